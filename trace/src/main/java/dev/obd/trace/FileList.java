package dev.obd.trace;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
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

  /** Of what users list, in characters. */
  public static final int MAX_LISTED = 1 << 20;

  /** Nothing. */
  public static final FileList EMPTY = new FileList(List.of(), 0);

  /**
   * One line.
   *
   * @param path as in the list, from the root of the image's file system
   * @param directory true if all below is meant, should it be a directory
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

  /**
   * What a user lists: absolute paths, of any characters. A directory means everything below it,
   * whether or not {@code /} or {@code /*} is at its end.
   *
   * @throws IllegalArgumentException if a path is not absolute, or they are too long together
   */
  public static FileList of(Collection<String> paths) {
    var entries = new LinkedHashSet<Entry>();
    long length = 0;
    for (String path : paths) {
      length += path.length();
      if (!path.startsWith("/") || path.indexOf('\0') >= 0 || path.indexOf('\n') >= 0) {
        throw new IllegalArgumentException(
            "a file to prefetch: expected an absolute path in the image, got '" + path + "'");
      }
      if (length > MAX_LISTED) {
        throw new IllegalArgumentException(
            "files to prefetch: expected at most " + MAX_LISTED + " characters in all, got more");
      }
      entries.add(
          new Entry(path.endsWith("/*") ? path.substring(0, path.length() - 1) : path, true));
    }
    return new FileList(List.copyOf(entries), 0);
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
