package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.obd.testdata.Contents;
import dev.obd.testdata.DeviceModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a file system of one mebibyte. */
class DiskFullTest {
  private static final int SIZE = 4 << 20;

  @TempDir private Path dir;
  private boolean mounted;

  @BeforeEach
  void aSmallFileSystem() throws IOException, InterruptedException {
    mounted = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", dir.toString());
    assumeTrue(mounted, "cannot mount a tmpfs, which needs root");
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    if (mounted) {
      assertThat(run("umount", dir.toString())).isTrue();
    }
  }

  private static boolean run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
  }

  private WritableLayer create(boolean sparse) throws IOException {
    return WritableLayer.create(
        dir.resolve("data"),
        dir.resolve("index"),
        new WritableOptions(SIZE, new java.util.UUID(1, 1), LayerHeader.NO_UUID, sparse));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWriteThatDoesNotFitFailsAndLeavesTheLayerUsable(boolean sparse) throws IOException {
    Path ballast = dir.resolve("ballast");
    var model = new DeviceModel(SIZE);
    try (var disk = WritableStack.open(create(sparse), Optional.empty())) {
      disk.write(0, ByteBuffer.wrap(Contents.of("text", 1, 100_352)));
      model.write(0, Contents.of("text", 1, 100_352));
      disk.flush();
      Files.write(ballast, new byte[700 << 10]);
      assertThatThrownBy(() -> disk.write(1 << 20, ByteBuffer.wrap(new byte[1 << 20])))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("No space left");
      assertThat(LsmtFiles.read(disk, 0, 1 << 20)).isEqualTo(model.read(0, 1 << 20));
      disk.discard(4096, 8192);
      model.trim(4096, 8192);
      disk.flush();
      Files.delete(ballast);
      disk.write(1 << 20, ByteBuffer.wrap(Contents.of("rand", 2, 300 << 10)));
      model.write(1 << 20, Contents.of("rand", 2, 300 << 10));
    }
    WritableLayer again = WritableLayer.open(dir.resolve("data"), dir.resolve("index"));
    assertThat(again.warnings()).isEmpty();
    try (var disk = WritableStack.open(again, Optional.empty())) {
      assertThat(LsmtFiles.read(disk, 0, 2 << 20)).isEqualTo(model.read(0, 2 << 20));
    }
  }

  @Test
  void anIndexThatCannotGrowIsWrittenOnceItCan() throws IOException {
    Path ballast = dir.resolve("ballast");
    try (var disk = WritableStack.open(create(false), Optional.empty())) {
      Files.write(ballast, new byte[900 << 10]);
      disk.discard(0, SIZE);
      IOException full = null;
      for (int i = 0; i < 40_000 && full == null; i++) {
        try {
          disk.discard(0, 512);
        } catch (IOException e) {
          full = e;
        }
      }
      assertThat(full).hasMessageContaining("No space left");
      assertThatThrownBy(disk::flush).hasMessageContaining("No space left");
      Files.delete(ballast);
      disk.flush();
      disk.write(0, ByteBuffer.wrap(Contents.of("text", 1, 512)));
    }
    WritableLayer again = WritableLayer.open(dir.resolve("data"), dir.resolve("index"));
    assertThat(again.warnings()).isEmpty();
    try (var disk = WritableStack.open(again, Optional.empty())) {
      assertThat(LsmtFiles.read(disk, 0, 512)).isEqualTo(Contents.of("text", 1, 512));
      assertThat(disk.upper().segments()).isEqualTo(2);
    }
  }
}
