package dev.obd.tcmu.netlink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Who belongs to a multicast group of generic netlink, as {@code /proc/net/netlink} tells: also
 * programs that are not ours.
 *
 * <pre>
 * sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
 * 000000004cd21bfd 16  1742       00000008 0        0        0     2        0        15243
 * </pre>
 */
final class Members {
  private static final Path TABLE = Path.of("/proc/net/netlink");
  private static final Pattern SPACE = Pattern.compile("\\s+");
  private static final int PROTOCOL = 1;
  private static final int GROUPS = 3;
  private static final String GENERIC = "16";
  private static final int MAX_GROUP = Integer.SIZE; // the table shows no more of them

  private Members() {}

  /** True if some socket of this network namespace is in {@code group}; false if none is known. */
  static boolean has(int group) throws IOException {
    return has(group, Files.readAllLines(TABLE));
  }

  static boolean has(int group, List<String> table) {
    if (group < 1 || group > MAX_GROUP) {
      return false;
    }
    for (String line : table) {
      String[] fields = SPACE.split(line.strip(), -1);
      if (fields.length > GROUPS
          && fields[PROTOCOL].equals(GENERIC)
          && holds(fields[GROUPS], group)) {
        return true;
      }
    }
    return false;
  }

  private static boolean holds(String groups, int group) {
    try {
      return (Long.parseLong(groups, 16) >> (group - 1) & 1) != 0;
    } catch (NumberFormatException _) {
      return false;
    }
  }
}
