package dev.obd.mount;

import dev.obd.backstore.device.Mounter.Mounted;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is mounted where, from {@code /proc/self/mountinfo}; asks no file system. */
public record MountTable(List<Mounted> entries) {
  private static final Path MOUNT_INFO = Path.of("/proc/self/mountinfo");
  private static final int MOUNT_POINT = 4;
  private static final String END_OF_OPTIONAL_FIELDS = " - ";

  /** As it is now. */
  public static MountTable read() throws IOException {
    // Not readAllLines: a mount point's name need not be UTF-8.
    String text = new String(Files.readAllBytes(MOUNT_INFO), StandardCharsets.UTF_8);
    return parse(text.lines().toList());
  }

  static MountTable parse(List<String> lines) {
    var entries = new ArrayList<Mounted>();
    for (String line : lines) {
      int end = line.indexOf(END_OF_OPTIONAL_FIELDS);
      String[] first = line.split(" ", -1);
      if (end < 0 || first.length <= MOUNT_POINT) {
        continue; // not a mount as we know them
      }
      String[] last = line.substring(end + END_OF_OPTIONAL_FIELDS.length()).split(" ", -1);
      if (last.length >= 2) {
        entries.add(new Mounted(Path.of(plain(first[MOUNT_POINT])), last[0], plain(last[1])));
      }
    }
    return new MountTable(List.copyOf(entries));
  }

  /** The topmost mount at exactly {@code path}, which is absolute and free of links. */
  public Optional<Mounted> at(Path path) {
    return entries.reversed().stream().filter(entry -> entry.at().equals(path)).findFirst();
  }

  /** True if the topmost mount at {@code path} is of {@code type}. */
  public boolean has(Path path, String type) {
    return at(path).filter(entry -> entry.type().equals(type)).isPresent();
  }

  /** Space, tab, newline and backslash are written as three octal digits. */
  private static String plain(String escaped) {
    var text = new StringBuilder();
    for (int i = 0; i < escaped.length(); i++) {
      if (escaped.charAt(i) == '\\' && i + 3 < escaped.length()) {
        text.append((char) Integer.parseInt(escaped.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        text.append(escaped.charAt(i));
      }
    }
    return text.toString();
  }
}
