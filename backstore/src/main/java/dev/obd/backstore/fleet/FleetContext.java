package dev.obd.backstore.fleet;

import dev.obd.backstore.config.Home;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceHandler;
import dev.obd.backstore.device.Mounter;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.io.Ticker;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What a fleet works with; all of it stays the caller's.
 *
 * @param servesSnapshotter whether devices of overlaybd's configurations are served
 * @param opener downloads layers, if that is wanted
 * @param handler the kernel's way to tell of devices; empty: there are only attachments by other
 *     doors
 * @param threads runs each task on a platform thread of its own, at once; tasks block
 * @param timer for tries to come
 */
public record FleetContext(
    Home home,
    ServiceConfig config,
    boolean servesSnapshotter,
    ImagePlans plans,
    ImageOpener opener,
    List<DeviceFrontend> frontends,
    Optional<DeviceHandler> handler,
    Optional<Mounter> mounter,
    Executor threads,
    ScheduledExecutorService timer,
    Ticker ticker,
    InstantSource clock) {}
