package dev.obd.tcmu;

import dev.obd.nativeio.KernelFiles;
import dev.obd.tcmu.configfs.Lun;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Who uses a disk. */
final class DiskUsers {
  private DiskUsers() {}

  /** Empty if nobody has claimed the disk; otherwise who has, as far as known. */
  static Optional<String> of(Lun lun) throws IOException {
    if (lun.node().isEmpty() || !Files.exists(lun.node().get())) {
      return Optional.empty();
    }
    Path node = lun.node().get();
    if (!KernelFiles.isClaimed(node)) {
      return Optional.empty();
    }
    var users = new ArrayList<String>(mounts(node));
    lun.sysfs().ifPresent(disk -> users.addAll(holders(disk)));
    return Optional.of(users.isEmpty() ? "another program" : String.join(", ", users));
  }

  private static List<String> mounts(Path node) throws IOException {
    var found = new ArrayList<String>();
    for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
      String[] fields = line.split(" ", 3);
      if (fields.length == 3 && fields[0].startsWith(node.toString())) {
        String rest = fields[0].substring(node.toString().length());
        if (rest.chars().allMatch(Character::isDigit)) { // it or a partition
          found.add("mounted at " + fields[1]);
        }
      }
    }
    return found;
  }

  private static List<String> holders(Path disk) {
    var found = new ArrayList<String>();
    try (DirectoryStream<Path> holders = Files.newDirectoryStream(disk.resolve("holders"))) {
      holders.forEach(h -> found.add("part of " + h.getFileName()));
    } catch (IOException _) {
      // then it is not known
    }
    return found;
  }
}
