package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.Replayer.TraceLoader;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * What is to be prefetched, said by several: the image's trace, its hints, a list of files. They
 * count in the order in which they are added; what one of them cannot say does not keep the others.
 */
final class PrefetchOrder {
  private static final Logger log = LogManager.getLogger(PrefetchOrder.class);

  private record Part(String name, TraceLoader loader) {}

  private final String image;
  private final List<Part> parts = new ArrayList<>();

  PrefetchOrder(String image) {
    this.image = image;
  }

  /** Adds what comes next; {@code name} is for messages. */
  PrefetchOrder then(String name, TraceLoader loader) {
    parts.add(new Part(name, loader));
    return this;
  }

  /** All of it as one trace; empty if there is nothing. */
  Optional<TraceLoader> loader() {
    return switch (parts.size()) {
      case 0 -> Optional.empty();
      case 1 -> Optional.of(parts.getFirst().loader());
      default -> Optional.of(this::load);
    };
  }

  private Trace load() throws IOException {
    List<Access> all = new ArrayList<>();
    @Nullable IOException failure = null;
    int failed = 0;
    for (Part part : parts) {
      try {
        all.addAll(part.loader().load());
      } catch (IOException e) {
        failed++;
        log.warn(
            "prefetch.part.unusable image={} part={} reason={}", image, part.name(), e.toString());
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null && failed == parts.size()) {
      throw failure;
    }
    return Trace.of(all);
  }
}
