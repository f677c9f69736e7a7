package dev.obd.format.lsmt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSourceContract;
import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap;
import dev.obd.testdata.Contents;
import dev.obd.testdata.DeviceModel;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class WritableStackTest {
  private static final int SIZE = 2 << 20;

  @TempDir private Path dir;
  private Path data = Path.of("");
  private Path index = Path.of("");

  static Stream<Arguments> seeds() {
    return LongStream.of(1, 2, System.nanoTime())
        .boxed()
        .flatMap(seed -> Stream.of(Arguments.of(seed, false), Arguments.of(seed, true)));
  }

  private WritableLayer create(long size, boolean sparse) throws IOException {
    data = dir.resolve("rw.data" + System.nanoTime());
    index = dir.resolve("rw.index" + System.nanoTime());
    UUID id = new UUID(1, 2);
    return WritableLayer.create(
        data, index, new WritableOptions(size, id, LayerHeader.NO_UUID, sparse));
  }

  private WritableStack createAlone(boolean sparse) throws IOException {
    return WritableStack.open(create(SIZE, sparse), Optional.empty());
  }

  /** A stack of one layer that is full of text. */
  private static LayerStack lower(int size) throws IOException {
    byte[] text = Contents.of("text", 1, size);
    BlockSource raw = BlockSources.ofBytes("raw", ByteBuffer.wrap(text));
    byte[] file =
        LsmtFiles.bytes(
            out -> RawLayerWriter.write(raw, Optional.empty(), ImportOptions.NONE, out, n -> {}));
    return LayerStack.open(List.of(LsmtFiles.open(file)));
  }

  abstract class Contract extends BlockSourceContract {
    private final boolean sparse;

    Contract(boolean sparse) {
      this.sparse = sparse;
    }

    @Override
    protected int granularity() {
      return 512;
    }

    @Override
    protected BlockSource open(byte[] content) throws IOException {
      WritableStack disk =
          WritableStack.open(create(content.length, sparse), Optional.of(lower(content.length)));
      var random = new SplittableRandom(content.length);
      for (int at = 0; at < content.length; ) {
        int n = Math.min(content.length - at, 512 * random.nextInt(1, 30));
        disk.write(at, ByteBuffer.wrap(content, at, n));
        at += n;
      }
      return disk;
    }
  }

  @Nested
  class ALog extends Contract {
    ALog() {
      super(false);
    }
  }

  @Nested
  class ASparseLayer extends Contract {
    ASparseLayer() {
      super(true);
    }
  }

  @ParameterizedTest(name = "seed {0}, sparse {1}")
  @MethodSource("seeds")
  void aDiskReadsAsWrittenBeforeAndAfterItIsOpenedAnew(long seed, boolean sparse)
      throws IOException {
    var random = new SplittableRandom(seed);
    var model = new DeviceModel(SIZE);
    boolean stacked = random.nextBoolean();
    if (stacked) {
      model.write(0, Contents.of("text", 1, SIZE / 2));
    }
    Optional<Integer> lowerSize = stacked ? Optional.of(SIZE / 2) : Optional.empty();
    WritableLayer fresh = create(SIZE, sparse);
    WritableStack disk = WritableStack.open(fresh, lower(lowerSize));
    try {
      for (int round = 0; round < 5; round++) {
        for (int i = random.nextInt(40); i > 0; i--) {
          RandomOp op = RandomOp.next(random, SIZE);
          op.applyTo(disk.upper());
          op.applyTo(model);
          if (random.nextInt(10) == 0) {
            disk.flush();
          }
        }
        reads(disk, model, random);
        disk.close();
        WritableLayer again = WritableLayer.open(data, index);
        assertThat(again.warnings()).isEmpty();
        disk = WritableStack.open(again, lower(lowerSize));
        reads(disk, model, random);
      }
      flattenedReadsTheSame(disk, model);
    } finally {
      disk.close();
    }
    if (!stacked) {
      committedAndSealedReadTheSame(model);
    }
  }

  private static Optional<LayerStack> lower(Optional<Integer> size) throws IOException {
    return size.isPresent() ? Optional.of(lower(size.get())) : Optional.empty();
  }

  private static void reads(WritableStack disk, DeviceModel model, SplittableRandom random)
      throws IOException {
    assertThat(LsmtFiles.read(disk, 0, SIZE)).isEqualTo(model.read(0, SIZE));
    for (int i = 0; i < 50; i++) {
      int from = random.nextInt(SIZE);
      int length = random.nextInt(Math.min(SIZE - from, 50_000) + 1);
      assertThat(LsmtFiles.read(disk, from, length)).isEqualTo(model.read(from, length));
    }
    int from = random.nextInt(SIZE);
    long[] at = {from};
    disk.extents(
        from,
        SIZE - from,
        (offset, n, kind) -> {
          assertThat(offset).isEqualTo(at[0]);
          at[0] += n;
          if (kind != ExtentMap.Kind.DATA) {
            assertThat(model.read(offset, (int) n)).containsOnly(0);
          }
          return true;
        });
    assertThat(at[0]).isEqualTo(SIZE);
  }

  private static void flattenedReadsTheSame(WritableStack disk, DeviceModel model)
      throws IOException {
    byte[] flat = LsmtFiles.bytes(out -> LayerMerger.merge(disk, CommitOptions.NONE, out));
    try (LayerStack stack = LayerStack.open(List.of(LsmtFiles.open(flat)))) {
      assertThat(LsmtFiles.read(stack, 0, SIZE)).isEqualTo(model.read(0, SIZE));
    }
  }

  private void committedAndSealedReadTheSame(DeviceModel model) throws IOException {
    byte[] committed;
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      committed = LsmtFiles.bytes(out -> LayerCommitter.commit(layer, CommitOptions.NONE, out));
    }
    LayerSealer.seal(data, index);
    try (LayerStack sealed = LayerStack.open(List.of(LsmtFiles.open(data)));
        LayerStack stack = LayerStack.open(List.of(LsmtFiles.open(committed)))) {
      assertThat(LsmtFiles.read(sealed, 0, SIZE)).isEqualTo(model.read(0, SIZE));
      assertThat(LsmtFiles.read(stack, 0, SIZE)).isEqualTo(model.read(0, SIZE));
      SealedLayer layer = sealed.layers().getFirst();
      assertThat(LsmtFiles.bytes(out -> LayerCommitter.commit(layer, CommitOptions.NONE, out)))
          .isEqualTo(committed);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anUpperLayerWithoutASizeTakesTheLowerOnesForGood(boolean sparse) throws IOException {
    try (var disk = WritableStack.open(create(0, sparse), Optional.of(lower(SIZE)))) {
      assertThat(disk.size()).isEqualTo(SIZE);
      disk.write(SIZE - 512, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
    }
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      assertThat(layer.virtualSize()).isEqualTo(SIZE);
      assertThat(layer.warnings()).isEmpty();
      byte[] file = LsmtFiles.bytes(out -> LayerCommitter.commit(layer, CommitOptions.NONE, out));
      assertThat(LsmtFiles.open(file).virtualSize()).isEqualTo(SIZE);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatLiesBeyondALowerDiskIsZerosUntilWritten(boolean sparse) throws IOException {
    try (var disk = WritableStack.open(create(SIZE, sparse), Optional.of(lower(4096)))) {
      byte[] text = Contents.of("text", 1, 4096);
      assertThat(LsmtFiles.read(disk, 0, 8192)).isEqualTo(Arrays.copyOf(text, 8192));
      disk.write(SIZE - 1024, ByteBuffer.wrap(Contents.of("ff", 0, 1024)));
      assertThat(LsmtFiles.read(disk, SIZE - 1025, 1025)).startsWith(0, 0xff).endsWith(0xff);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDiscardHidesLowerDataAlsoAfterOpeningAnew(boolean sparse) throws IOException {
    try (var disk = WritableStack.open(create(SIZE, sparse), Optional.of(lower(SIZE)))) {
      disk.discard(512, 20_480);
      disk.discard(SIZE - 1536, 1536);
    }
    var model = new DeviceModel(SIZE);
    model.write(0, Contents.of("text", 1, SIZE));
    model.trim(512, 20_480);
    model.trim(SIZE - 1536, 1536);
    WritableLayer again = WritableLayer.open(data, index);
    try (var disk = WritableStack.open(again, Optional.of(lower(SIZE)))) {
      assertThat(LsmtFiles.read(disk, 0, SIZE)).isEqualTo(model.read(0, SIZE));
    }
  }

  @Test
  void aWriteSmallerThanAHostBlockLeavesItsNeighboursToTheLowerLayer() throws IOException {
    try (var disk = WritableStack.open(create(SIZE, true), Optional.of(lower(SIZE)))) {
      disk.write(5120, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
    }
    var model = new DeviceModel(SIZE);
    model.write(0, Contents.of("text", 1, SIZE));
    model.write(5120, Contents.of("ff", 0, 512));
    WritableLayer again = WritableLayer.open(data, index);
    try (var disk = WritableStack.open(again, Optional.of(lower(SIZE)))) {
      assertThat(LsmtFiles.read(disk, 0, SIZE)).isEqualTo(model.read(0, SIZE));
    }
  }

  @Test
  void aDiscardOfASparseLayerGivesItsBlocksBack() throws IOException {
    try (var disk = createAlone(true)) {
      disk.write(0, ByteBuffer.wrap(Contents.of("rand", 1, 1 << 20)));
      disk.flush();
      disk.discard(0, 1 << 20);
    }
    try (HostFile host = HostFile.open(data)) {
      assertThat(host.nextData(4096)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void writesMustBeWholeSectorsInsideTheDisk(boolean sparse) throws IOException {
    try (var disk = createAlone(sparse)) {
      ByteBuffer sector = ByteBuffer.allocate(512);
      assertThatThrownBy(() -> disk.write(1, sector))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("offset 1 or length 512 is no multiple of 512");
      assertThatThrownBy(() -> disk.write(0, ByteBuffer.allocate(100)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> disk.discard(0, 100)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> disk.write(SIZE, sector)).isInstanceOf(EOFException.class);
      assertThatThrownBy(() -> disk.write(-512, sector)).isInstanceOf(EOFException.class);
      assertThatThrownBy(() -> disk.discard(512, SIZE)).isInstanceOf(EOFException.class);
      assertThatThrownBy(() -> disk.discard(Long.MAX_VALUE - 511, 512))
          .isInstanceOf(EOFException.class);
      disk.write(SIZE, ByteBuffer.allocate(0));
      disk.discard(512, 0);
      assertThat(disk.upper().segments()).isZero();
    }
  }

  @Test
  void aLargeWriteIsCutLikeTheOriginalCutsIt() throws IOException {
    List<Integer> lengths = new ArrayList<>();
    try (var disk = WritableStack.open(create(32 << 20, false), Optional.empty())) {
      disk.write(512, ByteBuffer.wrap(Contents.of("text", 1, 9 << 20)));
      disk.discard(16 << 20, 16 << 20);
      disk.upper()
          .snapshot()
          .forEach((first, count, dataSector, zeroed, tag) -> lengths.add(count));
    }
    assertThat(lengths).containsExactly(8192, 8192, 2048, 16383, 16383, 2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSecondWriterIsKeptAway(boolean sparse) throws IOException {
    try (var disk = createAlone(sparse)) {
      assertThatThrownBy(() -> WritableLayer.open(data, index))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("in use by another writer");
      disk.write(0, ByteBuffer.allocate(512));
    }
    WritableLayer.open(data, index).close();
  }

  @Test
  void filesThatExistAreNotOverwritten() throws IOException {
    create(SIZE, false).close();
    byte[] before = Files.readAllBytes(index);
    Path other = dir.resolve("other");
    assertThatThrownBy(() -> WritableLayer.create(data, other, WritableOptions.ofSize(0)))
        .isInstanceOf(java.nio.file.FileAlreadyExistsException.class);
    assertThatThrownBy(() -> WritableLayer.create(other, index, WritableOptions.ofSize(0)))
        .isInstanceOf(java.nio.file.FileAlreadyExistsException.class);
    assertThat(other).doesNotExist();
    assertThat(index).hasBinaryContent(before);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readersAndWritersWorkSideBySide(boolean sparse) throws Exception {
    // Each writer has its own stripe and always fills blocks with one number.
    int stripe = SIZE / 4;
    try (var disk = WritableStack.open(create(SIZE, sparse), Optional.of(lower(SIZE)));
        var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      disk.discard(0, SIZE);
      List<Future<?>> all = new ArrayList<>();
      for (int w = 0; w < 4; w++) {
        int writer = w;
        all.add(pool.submit(() -> writeStripe(disk, writer * stripe, stripe, writer)));
        all.add(pool.submit(() -> readBlocks(disk, writer, sparse)));
      }
      for (Future<?> one : all) {
        one.get();
      }
      for (int w = 0; w < 4; w++) {
        byte[] got = LsmtFiles.read(disk, w * stripe, stripe);
        var model = new DeviceModel(stripe);
        writeStripe(model, stripe, w);
        assertThat(got).isEqualTo(model.read(0, stripe));
      }
    }
  }

  private static @org.jspecify.annotations.Nullable Void writeStripe(
      WritableStack disk, int at, int stripe, int seed) throws IOException {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 300; i++) {
      int sector = random.nextInt(stripe / 512);
      byte[] block = new byte[512];
      Arrays.fill(block, (byte) random.nextInt());
      disk.write(at + sector * 512L, ByteBuffer.wrap(block));
      if (i % 100 == 0) {
        disk.flush();
      }
    }
    return null;
  }

  private static void writeStripe(DeviceModel model, int stripe, int seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 300; i++) {
      int sector = random.nextInt(stripe / 512);
      byte[] block = new byte[512];
      Arrays.fill(block, (byte) random.nextInt());
      model.write(sector * 512L, block);
    }
  }

  private static @org.jspecify.annotations.Nullable Void readBlocks(
      WritableStack disk, int seed, boolean inPlace) throws IOException {
    var random = new SplittableRandom(seed + 100);
    for (int i = 0; i < 300; i++) {
      byte[] sector = LsmtFiles.read(disk, random.nextInt(SIZE / 512) * 512L, 512);
      // In place, the file system decides what a read beside a write sees.
      for (int b = 0; b < 512 && !inPlace; b++) {
        assertThat(sector[b]).as("a sector is never half written").isEqualTo(sector[0]);
      }
    }
    return null;
  }

  @Test
  void aLayerCanBeResized() throws IOException {
    try (WritableLayer layer = create(SIZE, false)) {
      layer.resize(SIZE * 2L);
      layer.write(SIZE, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
      layer.resize(4096);
      assertThatThrownBy(() -> layer.resize(100)).isInstanceOf(IllegalArgumentException.class);
    }
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      assertThat(layer.virtualSize()).isEqualTo(4096);
      assertThat(layer.warnings()).isEmpty();
    }
    try (WritableLayer layer = create(SIZE, true)) {
      layer.resize(SIZE * 2L);
      layer.write(SIZE, ByteBuffer.wrap(Contents.of("ff", 0, 512)));
      assertThatThrownBy(() -> layer.resize(SIZE))
          .hasMessageContaining("a sparse layer cannot shrink");
    }
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      assertThat(layer.virtualSize()).isEqualTo(SIZE * 2);
      assertThat(layer.segments()).isEqualTo(1);
    }
  }

  @ParameterizedTest(name = "seed {0}, sparse {1}")
  @MethodSource("seeds")
  void aSnapshotKeepsTheDiskAndStartsANewLayer(long seed, boolean sparse) throws IOException {
    var random = new SplittableRandom(seed);
    var model = new DeviceModel(SIZE);
    List<Path> sealed = new ArrayList<>();
    try (var disk = createAlone(sparse)) {
      for (int snapshot = 0; snapshot < 4; snapshot++) {
        for (int i = random.nextInt(30); i > 0; i--) {
          RandomOp op = RandomOp.next(random, SIZE);
          op.applyTo(disk.upper());
          op.applyTo(model);
        }
        sealed.add(data);
        disk.restack(create(0, sparse));
        assertThat(disk.size()).isEqualTo(SIZE);
        reads(disk, model, random);
      }
      disk.write(0, ByteBuffer.wrap(Contents.of("ff", 0, 4096)));
      model.write(0, Contents.of("ff", 0, 4096));
      reads(disk, model, random);
      WritableLayer dirty = create(SIZE, sparse);
      dirty.write(0, ByteBuffer.allocate(4096));
      assertThatThrownBy(() -> disk.restack(dirty)).hasMessageContaining("must be empty");
      dirty.close();
    }
    List<SealedLayer> lower = new ArrayList<>();
    for (Path file : sealed) {
      lower.add(LsmtFiles.open(file));
    }
    LayerStack stack = LayerStack.open(lower);
    model.write(0, LsmtFiles.read(stack, 0, 4096));
    assertThat(LsmtFiles.read(stack, 0, SIZE)).isEqualTo(model.read(0, SIZE));
    stack.close();
  }

  @Test
  void nothingIsWrittenToANewLayerBeforeItIsCertainToBeFound() throws IOException {
    byte[] content = Contents.of("text", 1, 4096);
    try (var disk = createAlone(false)) {
      disk.write(0, ByteBuffer.wrap(content));
      WritableLayer old = disk.upper();
      WritableLayer fresh = create(0, false);
      disk.restack(fresh, () -> assertThat(disk.upper()).isSameAs(old));
      assertThat(disk.upper()).isSameAs(fresh);
      WritableLayer another = create(0, false);
      assertThatThrownBy(() ->
              disk.restack(
                  another,
                  () -> {
                    throw new IOException("the configuration cannot be replaced");
                  }))
          .hasMessageContaining("cannot be replaced");
      assertThat(disk.upper()).isSameAs(fresh);
      assertThat(LsmtFiles.read(disk, 0, 4096)).isEqualTo(content);
      assertThatThrownBy(() -> disk.write(0, ByteBuffer.allocate(512)))
          .hasMessageContaining("sealed");
      another.close();
    }
  }

  @Test
  void aSealedLayerTakesNoMoreWrites() throws IOException {
    try (WritableLayer layer = create(SIZE, false)) {
      layer.write(0, ByteBuffer.wrap(Contents.of("text", 1, 4096)));
      layer.seal();
      assertThatThrownBy(() -> layer.write(0, ByteBuffer.allocate(512)))
          .hasMessageContaining("sealed, takes no more writes");
    }
    try (LayerStack sealed = LayerStack.open(List.of(LsmtFiles.open(data)))) {
      assertThat(LsmtFiles.read(sealed, 0, 4096)).isEqualTo(Contents.of("text", 1, 4096));
    }
  }

  @Test
  void anIndexTooLargeToBeOpenedIsNotCommittedOrSealed() throws IOException {
    try (WritableLayer layer = create(2L << 30, false)) {
      for (long sector = 0; sector < 2_000_001; sector += 2) {
        layer.discard(sector * 512, 512);
      }
      assertThat(layer.segments()).isEqualTo(1_000_001);
      List<Long> written = new ArrayList<>();
      var out =
          new Object() {
            void commit() throws IOException {
              LsmtFiles.bytes(sink -> {
                try {
                  LayerCommitter.commit(layer, CommitOptions.NONE, sink);
                } finally {
                  written.add(sink.position());
                }
              });
            }
          };
      assertThatThrownBy(out::commit)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("needs more than 1000000 records; such a layer cannot be opened");
      assertThat(written).containsExactly(0L);
      long size = Files.size(data);
      assertThatThrownBy(layer::seal).hasMessageContaining("cannot be sealed with 1000001 records");
      assertThat(Files.size(data)).isEqualTo(size);
      layer.write(0, ByteBuffer.allocate(512));
    }
  }
}
