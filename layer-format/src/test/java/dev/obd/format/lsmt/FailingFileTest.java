package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A log on files that fail. */
class FailingFileTest {
  private static final int SIZE = 1 << 20;

  @TempDir(factory = FastDir.class)
  private Path dir;

  private final List<String> syncs = new ArrayList<>();
  private FailingChannel data;
  private FailingChannel index;

  private FailingChannel failing(String name) {
    try {
      FileChannel next =
          FileChannel.open(dir.resolve(name), StandardOpenOption.READ, StandardOpenOption.WRITE);
      return new FailingChannel(next, () -> syncs.add(name + sizes()));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private String sizes() {
    try {
      return " " + data.size() + " " + index.size();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void files() throws IOException {
    WritableLayer.create(dir.resolve("data"), dir.resolve("index"), WritableOptions.ofSize(SIZE))
        .close();
    data = failing("data");
    index = failing("index");
  }

  private WritableStack open() throws IOException {
    StoreFile dataFile = new StoreFile(data, "data");
    return WritableStack.open(
        WritableFiles.openLog(
            dataFile, dataFile.header(), new StoreFile(index, "index"), Optional.empty()),
        Optional.empty());
  }

  private static ByteBuffer text(int length) {
    return ByteBuffer.wrap(Contents.of("text", 1, length));
  }

  @Test
  void dataIsSyncedBeforeTheIndexGrowsAndThenTheIndexIsSynced() throws IOException {
    try (var disk = open()) {
      disk.write(0, text(1024));
      disk.write(4096, text(512));
      disk.flush();
      disk.flush();
      disk.discard(0, 512);
      disk.flush();
    }
    assertThat(syncs)
        .containsExactly("data 5632 4096", "index 5632 4128", "data 5632 4128", "index 5632 4144");
  }

  @Test
  void afterAFailedSyncNothingMoreIsTaken() throws IOException {
    try (var disk = open()) {
      disk.write(0, text(1024));
      disk.flush();
      disk.write(1024, text(1024));
      data.failSync = true;
      assertThatThrownBy(disk::flush).hasMessage("sync failed");
      data.failSync = false;
      assertThatThrownBy(disk::flush)
          .hasMessage("data: an earlier flush failed, what is on disk is unknown")
          .hasRootCauseMessage("sync failed");
      assertThatThrownBy(() -> disk.write(0, text(512))).hasMessageContaining("earlier flush");
      assertThat(LsmtFiles.read(disk, 0, 2048))
          .as("reads go on")
          .startsWith(Contents.of("text", 1, 1024))
          .endsWith(Contents.of("text", 1, 1024));
      assertThatThrownBy(disk::close).hasMessageContaining("earlier flush");
    }
    assertThat(data.isOpen()).isFalse();
    assertThat(index.isOpen()).isFalse();
    assertThat(Files.size(dir.resolve("index"))).isEqualTo(4096 + 16);
  }

  @Test
  void aWriteThatFailsHalfwayLeavesNothing() throws IOException {
    try (var disk = open()) {
      disk.write(0, text(1024));
      data.failWrite = true;
      data.writeAtMost = 700;
      assertThatThrownBy(() -> disk.write(0, text(4096))).hasMessage("write failed");
      assertThat(data.size()).isEqualTo(4096 + 1024);
      data.failWrite = false;
      disk.write(2048, text(512));
    }
    try (WritableLayer layer = WritableLayer.open(dir.resolve("data"), dir.resolve("index"))) {
      assertThat(layer.warnings()).isEmpty();
      assertThat(layer.segments()).isEqualTo(2);
    }
  }

  @Test
  void recordsThatCouldNotBeWrittenAreWrittenByTheNextFlush() throws IOException {
    try (var disk = open()) {
      disk.write(0, text(1024));
      index.failWrite = true;
      index.writeAtMost = 9;
      assertThatThrownBy(disk::flush).hasMessage("write failed");
      assertThat(index.size()).isEqualTo(4096);
      disk.write(1024, text(512));
      index.failWrite = false;
      disk.flush();
      assertThat(index.size()).isEqualTo(4096 + 32);
    }
    try (WritableLayer layer = WritableLayer.open(dir.resolve("data"), dir.resolve("index"))) {
      assertThat(layer.warnings()).isEmpty();
      assertThat(layer.segments()).isEqualTo(2);
    }
  }

  @Test
  void aSealThatFailsLeavesTheLayerWritable() throws IOException {
    try (var disk = open()) {
      disk.write(0, text(1024));
      disk.flush();
      data.failWrite = true;
      data.writeAtMost = 600;
      assertThatThrownBy(() -> disk.upper().seal()).hasMessage("write failed");
      data.failWrite = false;
      assertThat(data.size()).isEqualTo(4096 + 1024);
      disk.write(1024, text(512));
      assertThat(LsmtFiles.read(disk, 0, 1024)).isEqualTo(Contents.of("text", 1, 1024));
      disk.upper().seal();
    }
    try (SealedLayer layer = LsmtFiles.open(dir.resolve("data"))) {
      assertThat(layer.index().count()).isEqualTo(2);
    }
  }
}
