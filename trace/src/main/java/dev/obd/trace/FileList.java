package dev.obd.trace;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Files to prefetch, one path of the image a line: what a trace path holds that is no trace.
 *
 * <p>Blanks around a path and empty lines are skipped. A path is {@code [/][name/…]name[/]} of
 * letters, digits, {@code _ . -}; one that ends in {@code /} is a directory and means everything
 * below it.
 *
 * @param entries in file order
 * @param rejected how many lines were no such path, and were left out
 */
public record FileList(List<Entry> entries, int rejected) {
  /** A larger file is no list. In bytes. */
  public static final int MAX_BYTES = 65536;

  /**
   * One line.
   *
   * @param path as in the list, from the root of the image's file system
   * @param directory true if all below is meant
   */
  public record Entry(String path, boolean directory) {}

  public FileList {
    entries = List.copyOf(entries);
  }

  /**
   * Reads a list.
   *
   * @throws TraceFormatException if the file is larger than {@link #MAX_BYTES}
   */
  public static FileList read(Path file) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() > MAX_BYTES) {
        throw new TraceFormatException(
            file.toString(), 0, "size", "at most " + MAX_BYTES + " bytes", channel.size());
      }
      ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
      while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
        // A file that shrinks meanwhile is a shorter list.
      }
      return parse(StandardCharsets.ISO_8859_1.decode(bytes.flip()).toString());
    }
  }

  /** Parses the text of a list. */
  public static FileList parse(String text) {
    List<Entry> entries = new ArrayList<>();
    int rejected = 0;
    for (String line : text.split("\n", -1)) {
      String path = trimBlanks(line);
      if (path.isEmpty()) {
        continue;
      }
      if (isPath(path)) {
        entries.add(new Entry(path, path.endsWith("/")));
      } else {
        rejected++;
      }
    }
    return new FileList(entries, rejected);
  }

  private static String trimBlanks(String line) {
    int from = 0;
    int to = line.length();
    while (from < to && line.charAt(from) == ' ') {
      from++;
    }
    while (to > from && line.charAt(to - 1) == ' ') {
      to--;
    }
    return line.substring(from, to);
  }

  /** A loop, because a regular expression recurses once per name and a list is not trusted. */
  static boolean isPath(String path) {
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '/' ? i > 0 && path.charAt(i - 1) == '/' : !isNameCharacter(c)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isNameCharacter(char c) {
    boolean letterOrDigit = c < 128 && Character.isLetterOrDigit(c);
    return letterOrDigit || c == '_' || c == '.' || c == '-';
  }
}
