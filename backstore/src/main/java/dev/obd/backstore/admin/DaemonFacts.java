package dev.obd.backstore.admin;

import dev.obd.backstore.cache.BlobCache;
import dev.obd.backstore.image.Links;
import dev.obd.registry.http.RequestCounts;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the control API tells of the process around the devices.
 *
 * @param endpoints what else it listens on, for humans
 * @param remarks what does not hold although it should, for humans: memory not locked, keys of the
 *     configuration not understood
 */
public record DaemonFacts(
    String version,
    Supplier<Duration> uptime,
    Path home,
    Optional<Path> config,
    List<String> endpoints,
    List<String> remarks,
    BlobCache cache,
    RequestCounts requests,
    Links links) {}
