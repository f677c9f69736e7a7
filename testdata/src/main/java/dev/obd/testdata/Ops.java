package dev.obd.testdata;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What was done to a disk, one operation per line of a vector's ops.txt. Offsets and lengths are
 * bytes.
 *
 * <pre>
 * write OFFSET LENGTH KIND SEED     trim OFFSET LENGTH     sync     group BYTES     # comment
 * </pre>
 */
public final class Ops {
  /** One line. */
  public sealed interface Op {}

  /** Writes {@link Contents#of} of kind, seed and length. */
  public record Write(long offset, int length, String kind, long seed) implements Op {
    /** The bytes to write. */
    public byte[] content() {
      return Contents.of(kind, seed, length);
    }
  }

  /** The range reads as zeros from now on. */
  public record Trim(long offset, long length) implements Op {}

  /** Everything before is flushed. */
  public record Sync() implements Op {}

  /** The original's writer batches index records in a buffer of so many bytes from here on. */
  public record Group(int bytes) implements Op {}

  private Ops() {}

  /** The operations in {@code file}, in order. */
  public static List<Op> read(Path file) throws IOException {
    return parse(Files.readString(file));
  }

  /** The operations in {@code text}, in order. */
  public static List<Op> parse(String text) {
    List<Op> ops = new ArrayList<>();
    for (String line : text.lines().toList()) {
      if (!line.isBlank() && !line.startsWith("#")) {
        ops.add(parseLine(line.trim().split("\\s+")));
      }
    }
    return ops;
  }

  private static Op parseLine(String[] words) {
    return switch (words[0]) {
      case "write" ->
          new Write(
              Long.parseLong(words[1]),
              Integer.parseInt(words[2]),
              words[3],
              Long.parseLong(words[4]));
      case "trim" -> new Trim(Long.parseLong(words[1]), Long.parseLong(words[2]));
      case "sync" -> new Sync();
      case "group" -> new Group(Integer.parseInt(words[1]));
      default -> throw new IllegalArgumentException("operation: " + String.join(" ", words));
    };
  }
}
