package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.Replayer.Recorded;
import dev.obd.backstore.prefetch.Replayer.RecordedLoader;
import dev.obd.backstore.prefetch.Replayer.TraceLoader;
import dev.obd.io.FailureText;
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

  private record Part(String name, boolean recorded, RecordedLoader loader) {}

  private final String image;
  private final Optional<String> narrowed;
  private final List<Part> parts = new ArrayList<>();

  /**
   * Nothing yet.
   *
   * @param narrowed why not all that is recorded is wanted; empty: all is
   */
  PrefetchOrder(String image, Optional<String> narrowed) {
    this.image = image;
    this.narrowed = narrowed;
  }

  /** Adds what is recorded of the image; {@code name} is for messages. */
  PrefetchOrder recorded(String name, RecordedLoader loader) {
    parts.add(new Part(name, true, loader));
    return this;
  }

  /** Adds what comes next; {@code name} is for messages. */
  PrefetchOrder then(String name, TraceLoader loader) {
    parts.add(new Part(name, false, () -> new Recorded(loader.load(), Optional.empty())));
    return this;
  }

  /** All of it as one trace; empty if there is nothing. */
  Optional<RecordedLoader> loader() {
    return parts.isEmpty() ? Optional.empty() : Optional.of(this::load);
  }

  private Recorded load() throws IOException {
    List<Access> all = new ArrayList<>();
    Optional<String> missing = narrowed;
    @Nullable IOException failure = null;
    int failed = 0;
    for (Part part : parts) {
      try {
        Recorded recorded = part.loader().load();
        all.addAll(recorded.trace());
        missing = missing.or(recorded::missing);
      } catch (IOException e) {
        failed++;
        log.warn(
            "prefetch.part.unusable image={} part={} reason={}", image, part.name(), e.toString());
        if (part.recorded()) {
          missing = Optional.of("the image's trace could not be read: " + FailureText.of(e));
        }
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
    return new Recorded(Trace.of(all), missing);
  }
}
