package dev.obd.backstore.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSource;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileSystemProbeTest {
  @TempDir private Path dir;

  /** File systems as their own tools make them. */
  @ParameterizedTest
  @CsvSource({
    "ext4, mke2fs -q -F -t ext4",
    "ext3, mke2fs -q -F -t ext3",
    "ext2, mke2fs -q -F -t ext2",
    "xfs, mkfs.xfs -q",
    "btrfs, mkfs.btrfs -q",
    "vfat, mkfs.vfat",
    "ntfs, mkfs.ntfs -q -F",
    "partition table (GPT), sgdisk -o",
  })
  void aFileSystemIsRecognised(String name, String tool) throws Exception {
    List<String> command = new ArrayList<>(List.of(tool.split(" ")));
    Tools.requireOnPath(command.getFirst());
    Path disk = dir.resolve("disk");
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) {
      file.setLength(512L << 20);
    }
    command.add(disk.toString());
    Processes.run(command.toArray(String[]::new));
    try (BlockSource source = FileSource.open(disk)) {
      assertThat(FileSystemProbe.detect(source)).contains(name);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 511, 512, 1024, 2047, 2048, 65_600, 65_608, 100_000})
  void zerosOfAnySizeAreNone(int size) throws IOException {
    assertThat(FileSystemProbe.detect(BlockSources.ofBytes("zeros", ByteBuffer.allocate(size))))
        .isEmpty();
  }

  @Test
  void aBootSectorIsAPartitionTable() throws IOException {
    ByteBuffer disk = ByteBuffer.allocate(4096).put(510, (byte) 0x55).put(511, (byte) 0xAA);
    assertThat(FileSystemProbe.detect(BlockSources.ofBytes("disk", disk)))
        .contains("partition table (MBR)");
  }
}
