package dev.obd.backstore.disk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.disk.DiskCopy.Method;
import dev.obd.io.PendingFile.Existing;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import dev.obd.testdata.vm.InGuest;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Copies on file systems that share blocks. */
@InGuest
class ReflinkTest {
  private static final int SIZE = 24 << 20;

  @TempDir private Path dir;

  @ParameterizedTest
  @CsvSource({"btrfs, mkfs.btrfs -q", "xfs, mkfs.xfs -q"})
  void aCopySharesItsBlocksUntilOneIsWritten(String type, String mkfs) throws Exception {
    Tools.requireOnPath(mkfs.split(" ")[0]);
    Path image = dir.resolve("image");
    Path mount = Files.createDirectories(dir.resolve("mnt"));
    Processes.run("truncate", "-s", "400M", image.toString()).expectSuccess();
    Processes.run("sh", "-c", mkfs + " " + image).expectSuccess();
    Processes.run("modprobe", "-a", "loop", type);
    Processes.run("mount", "-o", "loop", image.toString(), mount.toString()).expectSuccess();
    try {
      byte[] data = Contents.of("rand", 1, SIZE);
      Path disk = Files.write(mount.resolve("disk"), data);
      Path copy = mount.resolve("copy");
      Processes.run("sync").expectSuccess();
      long free = Files.getFileStore(mount).getUsableSpace();
      assertThat(DiskCopy.copy(disk, copy, 2L * SIZE, Existing.KEEP)).isEqualTo(Method.REFLINK);
      Processes.run("sync").expectSuccess();
      assertThat(free - Files.getFileStore(mount).getUsableSpace())
          .as("what the copy takes")
          .isLessThan(SIZE / 4);
      assertThat(Files.size(copy)).isEqualTo(2L * SIZE);
      assertThat(Files.mismatch(copy, disk)).isEqualTo(SIZE);
      try (FileChannel file = FileChannel.open(copy, StandardOpenOption.WRITE)) {
        file.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 4096);
      }
      assertThat(disk).as("the original does not notice").hasBinaryContent(data);
      Path outside = dir.resolve("outside");
      assertThat(DiskCopy.copy(disk, outside, SIZE, Existing.KEEP)).isEqualTo(Method.SPARSE_COPY);
      assertThat(outside).hasBinaryContent(data);
    } finally {
      Processes.run("umount", mount.toString());
    }
  }
}
