package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.registry.Descriptor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What a layer's annotations say of fetching ahead.
 *
 * @param files of the image whose topmost data layer this is; of no meaning once another layer lies
 *     above it
 * @param readahead a part of the blob that the system is to read ahead if the blob is a local file
 */
public record LayerHints(Optional<PrefetchHints> files, Optional<Range> readahead) {
  /** Nothing. */
  public static final LayerHints NONE = new LayerHints(Optional.empty(), Optional.empty());

  private static final Logger log = LogManager.getLogger(LayerHints.class);
  private static final String READAHEAD_OFFSET = "dev.obd.readahead-offset";
  private static final String READAHEAD_LENGTH = "dev.obd.readahead-length";
  private static final int MAX_DIGITS = 18;

  /** What the annotations say; what is damaged is left out, with a warning. */
  public static LayerHints of(Descriptor layer) {
    String name = layer.digest().toString();
    try {
      Optional<String> table = layer.annotation(PrefetchHints.ANNOTATION);
      Optional<PrefetchHints> files =
          table.isPresent()
              ? Optional.of(PrefetchHints.ofAnnotation(name, table.get()))
              : Optional.empty();
      return new LayerHints(files, readahead(name, layer));
    } catch (FormatException e) {
      log.warn("prefetch.hints.unusable layer={} reason={}", name, e.getMessage());
      return NONE;
    }
  }

  private static Optional<Range> readahead(String name, Descriptor layer) throws FormatException {
    Optional<String> offset = layer.annotation(READAHEAD_OFFSET);
    Optional<String> length = layer.annotation(READAHEAD_LENGTH);
    if (offset.isEmpty() || length.isEmpty()) {
      return Optional.empty();
    }
    long from = number(name, READAHEAD_OFFSET, offset.get());
    long bytes = number(name, READAHEAD_LENGTH, length.get());
    long start = Math.min(from, layer.size());
    return Optional.of(new Range(start, Math.min(bytes, layer.size() - start)));
  }

  private static long number(String name, String key, String text) throws FormatException {
    if (text.isEmpty()
        || text.length() > MAX_DIGITS
        || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new FormatException(name, 0, key, "a number of bytes", "'" + text + "'");
    }
    return Long.parseLong(text);
  }

  /** The annotations that say this. */
  public Map<String, String> annotations() {
    Map<String, String> annotations = new LinkedHashMap<>();
    files.ifPresent(hints -> annotations.put(PrefetchHints.ANNOTATION, hints.toAnnotation()));
    readahead.ifPresent(range -> {
      annotations.put(READAHEAD_OFFSET, Long.toString(range.offset()));
      annotations.put(READAHEAD_LENGTH, Long.toString(range.length()));
    });
    return annotations;
  }
}
