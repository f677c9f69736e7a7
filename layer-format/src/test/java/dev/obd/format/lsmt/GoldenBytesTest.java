package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Golden;
import dev.obd.testdata.Ops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same operations given to the original and to us make the same files. */
class GoldenBytesTest {
  @TempDir private Path dir;

  private Path data;
  private Path index;

  private static byte[] golden(String file) throws IOException {
    return Files.readAllBytes(Golden.dir().resolve(file));
  }

  private static UUID id(String vector) {
    return UUID.fromString("000000" + vector + "-1111-4222-8333-0000000000" + vector);
  }

  /** Replays a vector's operations into new files, which are closed again. */
  private void replay(String vector, UUID uuid, long size, boolean sparse) throws IOException {
    data = dir.resolve(vector + ".data");
    index = dir.resolve(vector + ".index");
    var options = new WritableOptions(size, uuid, LayerHeader.NO_UUID, sparse);
    try (var disk =
        WritableStack.open(WritableLayer.create(data, index, options), Optional.empty())) {
      LsmtFiles.apply(Ops.read(Golden.dir().resolve(vector).resolve("ops.txt")), disk);
    }
  }

  private void replayA2() throws IOException {
    replay("a2-rw-16m", id("a2"), 16 << 20, false);
  }

  private byte[] commit(CommitOptions options) throws IOException {
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      assertThat(layer.warnings()).isEmpty();
      return LsmtFiles.bytes(out -> LayerCommitter.commit(layer, options, out));
    }
  }

  /** The sealed file, with zeros where the original left whatever was in memory. */
  private static byte[] withoutFiller(byte[] sealed) throws IOException {
    try (SealedLayer layer = LsmtFiles.open(sealed)) {
      long end = layer.trailer().indexOffset() + 16 * layer.trailer().indexCount();
      byte[] copy = sealed.clone();
      Arrays.fill(copy, (int) end, sealed.length - 4096, (byte) 0);
      return copy;
    }
  }

  @Test
  void aWritableLog() throws IOException {
    replayA2();
    assertThat(Files.readAllBytes(data)).isEqualTo(golden("a2-rw-16m/rw.data"));
    assertThat(Files.readAllBytes(index)).isEqualTo(golden("a2-rw-16m/rw.index"));
  }

  @Test
  void aWritableLogWithTheIdOfTheOriginal() throws IOException {
    replay("a1-rw-cli-1g", UUID.fromString("2FD414D1-54D0-4B42-80B4-A462C5DE7F70"), 1 << 30, false);
    assertThat(Files.readAllBytes(data)).isEqualTo(golden("a1-rw-cli-1g/rw.data"));
    assertThat(Files.readAllBytes(index)).isEqualTo(golden("a1-rw-cli-1g/rw.index"));
  }

  @Test
  void aLogWhoseIndexTheOriginalPaddedHasTheSameRecords() throws IOException {
    replay("a3-rw-group-commit", id("a3"), 16 << 20, false);
    assertThat(Files.readAllBytes(data)).isEqualTo(golden("a3-rw-group-commit/rw.data"));
    byte[] ours = Files.readAllBytes(index);
    byte[] theirs = golden("a3-rw-group-commit/rw.index");
    byte[] padding = {-1, -1, -1, -1, -1, -1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    byte[] kept = new byte[ours.length];
    int n = 0;
    for (int at = 0; at < theirs.length; at += 16) {
      byte[] record = Arrays.copyOfRange(theirs, at, at + 16);
      if (!Arrays.equals(record, padding)) {
        System.arraycopy(record, 0, kept, n, 16);
        n += 16;
      }
    }
    assertThat(n).isEqualTo(ours.length);
    assertThat(kept).isEqualTo(ours);
  }

  @Test
  void aSparseWritableLayer() throws IOException {
    replay("a4-rw-sparse", id("a4"), 256 << 10, true);
    assertThat(Files.readAllBytes(data)).isEqualTo(golden("a4-rw-sparse/rw.data"));
    assertThat(Files.readAllBytes(index)).isEmpty();
  }

  @Test
  void aSealedLog() throws IOException {
    replayA2();
    assertThat(LayerSealer.seal(data, index)).isEmpty();
    assertThat(Files.readAllBytes(data))
        .isEqualTo(withoutFiller(golden("b1-sealed/overlaybd.sealed")));
  }

  @Test
  void aSealedSparseLayer() throws IOException {
    replay("a4-rw-sparse", id("a4"), 256 << 10, true);
    LayerSealer.seal(data, index);
    assertThat(Files.readAllBytes(data))
        .isEqualTo(withoutFiller(golden("b10-sealed-sparse/overlaybd.sealed")));
  }

  @Test
  void aCommitWithoutAnyOption() throws IOException {
    replayA2();
    assertThat(commit(CommitOptions.NONE)).isEqualTo(golden("b2-commit-plain/layer.obd"));
  }

  @Test
  void aCommitWithIdsAndText() throws IOException {
    replayA2();
    CommitOptions options =
        CommitOptions.NONE
            .withUuid(id("b3"))
            .withParentUuid(id("b2"))
            .withUserTag("hello overlaybd: commit message é 0123456789");
    assertThat(commit(options)).isEqualTo(golden("b3-commit-uuid-msg/layer.obd"));
  }

  @Test
  void aCommitWithTheLongestText() throws IOException {
    replayA2();
    assertThat(commit(CommitOptions.NONE.withUserTag("m".repeat(256))))
        .isEqualTo(golden("b4-commit-msg256/layer.obd"));
  }

  @Test
  void aCommitOfASealedLayer() throws IOException {
    try (SealedLayer sealed = LsmtFiles.open(golden("b1-sealed/overlaybd.sealed"))) {
      CommitOptions options = CommitOptions.NONE.withUuid(id("b5"));
      assertThat(LsmtFiles.bytes(out -> LayerCommitter.commit(sealed, options, out)))
          .isEqualTo(golden("b5-commit-of-sealed/layer.obd"));
    }
  }

  @Test
  void aCommitOfNothing() throws IOException {
    data = dir.resolve("data");
    index = dir.resolve("index");
    WritableLayer.create(data, index, WritableOptions.ofSize(16 << 20)).close();
    assertThat(commit(CommitOptions.NONE)).isEqualTo(golden("b6-commit-empty/layer.obd"));
  }

  @Test
  void aCommitWhoseIndexFillsItsPage() throws IOException {
    replay("b7-commit-256-entries", id("b7"), 16 << 20, false);
    assertThat(commit(CommitOptions.NONE)).isEqualTo(golden("b7-commit-256-entries/layer.obd"));
  }

  @Test
  void aCommitOfASparseLayer() throws IOException {
    replay("a4-rw-sparse", id("a4"), 256 << 10, true);
    assertThat(commit(CommitOptions.NONE)).isEqualTo(golden("b9-commit-sparse/layer.obd"));
  }

  @Test
  void commitsWithOtherIdsInOtherPlaces() throws IOException {
    replayA2();
    assertThat(commit(CommitOptions.NONE.withUuid(id("d3"))))
        .isEqualTo(golden("d3-tar-without-z/layer.obd"));
    byte[] tar = golden("d4-tar-raw-lsmt/layer.obd");
    assertThat(commit(CommitOptions.NONE.withUuid(id("d4"))))
        .isEqualTo(Arrays.copyOfRange(tar, 1536, 1536 + 147456));
  }

  @Test
  void layersOfAStackWrittenOnTopOfEachOther() throws IOException {
    List<String> names = List.of("layer1.obd", "layer3.obd");
    for (String name : names) {
      byte[] theirs = golden("e1-stack4/" + name);
      try (SealedLayer layer = LsmtFiles.open(theirs)) {
        UUID parent = layer.parentUuid();
        data = dir.resolve(name + ".data");
        index = dir.resolve(name + ".index");
        var options = new WritableOptions(16 << 20, layer.uuid(), parent, false);
        String ops = "e1-stack4/ops" + name.charAt(5) + ".txt";
        try (var disk =
            WritableStack.open(WritableLayer.create(data, index, options), Optional.empty())) {
          LsmtFiles.apply(Ops.read(Golden.dir().resolve(ops)), disk);
        }
        if (layer.header().has(LayerHeader.SEALED)) {
          CommitOptions commit =
              CommitOptions.NONE.withUuid(layer.uuid()).withUserTag(layer.userTag());
          assertThat(commit(commit)).as(name).isEqualTo(theirs);
        } else {
          LayerSealer.seal(data, index);
          assertThat(Files.readAllBytes(data)).as(name).isEqualTo(withoutFiller(theirs));
        }
      }
    }
  }
}
