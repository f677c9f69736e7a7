package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.Op;
import dev.obd.backstore.device.ScriptedDisk;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that move data, or change it. */
final class ScsiTransfersTest {
  private static final int SIZE = 4 << 20;

  private final MemoryDisk memory = MemoryDisk.writable(SIZE);
  private final ScriptedDisk scripted = new ScriptedDisk(memory);
  private final ScsiTester disk = new ScsiTester(scripted);

  @AfterEach
  void close() throws IOException {
    disk.close();
  }

  private static byte[] random(int bytes) {
    byte[] data = new byte[bytes];
    new Random(bytes).nextBytes(data);
    return data;
  }

  private byte[] stored(long offset, int bytes) throws IOException {
    ByteBuffer content = ByteBuffer.allocate(bytes);
    memory.read(offset, content);
    return content.array();
  }

  private void store(long offset, byte[] data) throws IOException {
    memory.write(offset, ByteBuffer.wrap(data));
  }

  /** A CDB of 16 bytes with an LBA and a number of blocks. */
  private static byte[] cdb16(int opcode, int flags, long lba, int blocks) {
    return ByteBuffer.allocate(16)
        .put((byte) opcode)
        .put((byte) flags)
        .putLong(lba)
        .putInt(blocks)
        .array();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "WRITE(6) then READ(6), 0A0000050300, 080000050300",
    "WRITE(10) then READ(10), 2A000000000500000300, 28000000000500000300",
    "WRITE(12) then READ(12), AA0000000005000000030000, A80000000005000000030000",
    "WRITE(16) then READ(16), 8A000000000000000005000000030000, 88000000000000000005000000030000",
    "with FUA and DPO, 2A180000000500000300, 28180000000500000300",
  })
  void whatIsWrittenIsRead(String name, String write, String read) throws IOException {
    byte[] data = random(3 * 512);
    disk.out(write, data).isGood();
    assertThat(stored(5 * 512, data.length)).as(name).isEqualTo(data);
    ScsiTester.Answer answer = disk.in(read, data.length);
    answer.isGood();
    assertThat(answer.result().transferred()).isEqualTo(data.length);
    assertThat(answer.data()).isEqualTo(data);
  }

  @Test
  void sixByteLengthOfZeroMeans256() throws IOException {
    byte[] data = random(256 * 512);
    disk.out("0A0010000000", data).isGood();
    assertThat(stored(0x1000 * 512, data.length)).isEqualTo(data);
    assertThat(disk.in("080010000000", data.length).data()).isEqualTo(data);
  }

  @Test
  void longerLengthOfZeroMeansNothing() {
    for (String cdb : List.of("28", "2A", "2F", "2F02")) {
      ScsiTester.Answer answer = disk.in(cdb + "00".repeat(10 - cdb.length() / 2), 512);
      answer.isGood();
      assertThat(answer.result().transferred()).isZero();
    }
    assertThat(disk.device.stats().ops()).isEmpty();
  }

  @ParameterizedTest(name = "buffer of {0} bytes")
  @ValueSource(ints = {0, 1, 511, 512, 1000, 1024, 2000})
  void readFillsTheBufferAsFarAsItAndTheCommandGo(int room) throws IOException {
    byte[] data = random(2 * 512);
    store(0, data);
    byte[] old = new byte[room];
    Arrays.fill(old, (byte) 0x77);
    ScsiTester.Answer answer = disk.run(ScsiTester.hex("28000000000000000200"), old);
    int moved = Math.min(room, 1024);
    answer.isGood();
    assertThat(answer.result().transferred()).isEqualTo(moved);
    assertThat(answer.data()).isEqualTo(Arrays.copyOf(Arrays.copyOf(data, moved), room));
  }

  @Test
  void writeTakesNoMoreThanTheCommandSaysAndNothingFromABufferThatIsTooShort() throws IOException {
    ScsiTester.Answer longer = disk.out("2A000000000000000200", random(2048));
    longer.isGood();
    assertThat(longer.result().transferred()).isEqualTo(1024);
    assertThat(stored(1024, 1024)).containsOnly(0);
    assertThat(disk.out("2A000000001000000200", random(1023)).sense()).isEqualTo("5/24/00");
    assertThat(stored(0x10 * 512, 1024)).containsOnly(0);
  }

  /** What a buffer is cut into, and how many requests that may become. */
  @ParameterizedTest(name = "{0} bytes in pieces of {1}: {2} requests")
  @CsvSource({
    "65536, 65536, 1",
    "4096, 1024, 1",
    "65536, 4096, 1",
    "65536, 1, 1",
    "524288, 65536, 8",
    "589824, 65536, 9",
    "262144, 32768, 8",
    "139264, 131072, 2",
    "262144, 4096, 4",
    "80000, 80000, 1",
    "99840, 33000, 3",
  })
  void manyPiecesBecomeFewRequests(int bytes, int piece, int requests) throws IOException {
    int whole = bytes / 512 * 512;
    byte[] data = random(whole);
    var counts = new AtomicInteger();
    scripted.play((_, _, _) -> counts.incrementAndGet());
    ByteBuffer from = ByteBuffer.allocateDirect(whole).put(data).flip();
    ScsiResult written = disk.run(cdb16(0x8A, 0, 3, whole / 512), ScsiTester.cut(from, piece));
    assertThat(written).isEqualTo(ScsiResult.good(whole));
    assertThat(counts.getAndSet(0)).isLessThanOrEqualTo(requests);
    assertThat(stored(3 * 512, whole)).isEqualTo(data);

    ByteBuffer into = ByteBuffer.allocateDirect(whole);
    ScsiResult read = disk.run(cdb16(0x88, 0, 3, whole / 512), ScsiTester.cut(into, piece));
    assertThat(read).isEqualTo(ScsiResult.good(whole));
    assertThat(counts).hasValueLessThanOrEqualTo(requests);
    byte[] got = new byte[whole];
    into.get(got);
    assertThat(got).isEqualTo(data);
  }

  @Test
  void fuaReachesTheMediumOnceWhateverThePieces() {
    ByteBuffer data = ByteBuffer.allocateDirect(1 << 20);
    disk.run(cdb16(0x8A, 0, 0, 2048), ScsiTester.cut(data, 1 << 19));
    assertThat(memory.flushes()).isZero();
    for (int piece : new int[] {1 << 20, 1 << 19, 4096}) {
      long before = memory.flushes();
      disk.run(cdb16(0x8A, 0x08, 0, 2048), ScsiTester.cut(data, piece));
      assertThat(memory.flushes() - before).isEqualTo(1);
    }
    long before = memory.flushes();
    disk.run(cdb16(0x88, 0x08, 0, 2048), ScsiTester.cut(data, 1 << 20));
    assertThat(memory.flushes() - before).as("a read from the medium").isEqualTo(1);
  }

  @Test
  void synchronizeCacheAndStopFlush() {
    disk.in("35000000000000000000", 0).isGood();
    disk.in("91000000000000000000000000000000", 0).isGood();
    disk.in("35020000000100000100", 0).isGood();
    disk.in("1B0000000000", 0).isGood();
    assertThat(memory.flushes()).isEqualTo(4);
  }

  private static IOException failure(String kind) {
    return switch (kind) {
      case "damaged" -> new FormatException("blob", 0, "checksum", "1", "2");
      case "timeout" -> new InterruptedIOException("too late");
      case "space" -> new IOException("No space left on device");
      default -> new IOException("broken");
    };
  }

  @ParameterizedTest(name = "{0} of {1}")
  @CsvSource({
    "broken, READ, 28000000000000000800, 3/11/00",
    "damaged, READ, 28000000000000000800, 3/11/05",
    "timeout, READ, 28000000000000000800, 3/11/01",
    "broken, READ, 2F000000000000000800, 3/11/00",
    "damaged, READ, 2F020000000000000800, 3/11/05",
    "broken, READ, 89000000000000000000000000010000, 3/11/00",
    "broken, WRITE, 2A000000000000000800, 3/0c/00",
    "damaged, WRITE, 2A000000000000000800, 3/0c/00",
    "timeout, WRITE, 2A000000000000000800, 3/0c/00",
    "space, WRITE, 2A000000000000000800, 7/27/07",
    "space, WRITE, 41000000000000000800, 7/27/07",
    "broken, WRITE, 89000000000000000000000000010000, 3/0c/00",
    "space, DISCARD, 41080000000000000800, 7/27/07",
    "broken, DISCARD, 93080000000000000000000000080000, 3/0c/00",
    "broken, FLUSH, 35000000000000000000, 3/0c/00",
    "broken, FLUSH, 28080000000000000800, 3/0c/00",
    "broken, FLUSH, 2A080000000000000800, 3/0c/00",
    "space, FLUSH, 1B0000000000, 7/27/07",
  })
  void failureOfTheDiskIsToldAsWhatItIs(String kind, Op op, String cdb, String sense) {
    scripted.play((what, _, _) -> {
      if (what == op) {
        throw failure(kind);
      }
    });
    for (int piece : new int[] {8192, 1024}) {
      ByteBuffer data = ByteBuffer.allocateDirect(8192);
      ScsiResult result = disk.run(ScsiTester.hex(cdb), ScsiTester.cut(data, piece));
      assertThat(new ScsiTester.Answer(result, new byte[0]).sense()).isEqualTo(sense);
      assertThat(result.transferred()).isZero();
    }
    scripted.play((_, _, _) -> {});
    disk.in("28000000000000000800", 4096).isGood();
  }

  @Test
  void oneFailedPieceFailsTheCommandAfterAllPiecesHaveEnded() {
    var others = new CountDownLatch(1);
    scripted.play((op, offset, _) -> {
      if (op == Op.READ && offset == 0) {
        throw new IOException("the first piece");
      }
      await(others);
    });
    ByteBuffer data = ByteBuffer.allocateDirect(128 << 10);
    var end = new ScsiTester.End();
    disk.disk.submit(cdb16(0x88, 0, 0, 256), ScsiTester.cut(data, 64 << 10), end);
    assertThat(end.hasEnded()).as("a piece is still with the disk").isFalse();
    others.countDown();
    assertThat(end.await()).isEqualTo(ScsiResult.failed(Sense.READ_ERROR));
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IOException("nobody came");
      }
    } catch (InterruptedException e) {
      throw new InterruptedIOException(e.getMessage());
    }
  }

  @Test
  void readThatHangsIsAnsweredAndKeepsItsBuffersUntilItEnds() throws Exception {
    var hang = new CountDownLatch(1);
    var hanging = new ScriptedDisk(MemoryDisk.writable(SIZE));
    hanging.play((_, _, _) -> await(hang));
    var options =
        DeviceOptions.DEFAULTS
            .withReadPatience(Duration.ofMillis(20))
            .withHangGrace(Duration.ofMillis(20));
    try (var slow = new ScsiTester(hanging, options)) {
      for (int piece : new int[] {128 << 10, 64 << 10, 4096}) {
        var calls = new ConcurrentLinkedQueue<String>();
        var overdue = new CountDownLatch(1);
        var done = new CountDownLatch(1);
        var told = new AtomicReference<ScsiResult>();
        slow.disk.submit(
            cdb16(0x88, 0, 0, 256),
            ScsiTester.cut(ByteBuffer.allocateDirect(128 << 10), piece),
            new CommandDone() {
              @Override
              public void done(ScsiResult result) {
                calls.add("done");
                done.countDown();
              }

              @Override
              public void overdue(ScsiResult result) {
                calls.add("overdue");
                told.set(result);
                overdue.countDown();
              }
            });
        assertThat(overdue.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(told.get()).isEqualTo(ScsiResult.failed(Sense.READ_TIMED_OUT));
        assertThat(done.getCount()).as("the disk still has the buffers").isEqualTo(1);
        if (piece == 4096) {
          hang.countDown();
          assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
          assertThat(calls).containsExactly("overdue", "done");
        }
      }
    }
  }

  @Test
  void diskThatEndsIsBusy() throws IOException {
    disk.close();
    for (String cdb :
        List.of("28000000000000000100", "2A000000000000000100", "2F020000000000000100")) {
      assertThat(disk.in(cdb, 512).result().status()).isEqualTo(ScsiResult.BUSY);
    }
    disk.in("000000000000", 0).isGood();
  }

  @Test
  void workWithoutAThreadIsNotLost() throws IOException {
    var identity = new Identity(() -> "1", "");
    List<ByteBuffer> pieces = ScsiTester.cut(ByteBuffer.allocateDirect(8192), 512);
    try (var refusing =
        new ScsiTester(
            MemoryDisk.writable(SIZE),
            DeviceOptions.DEFAULTS,
            identity,
            _ -> {
              throw new RejectedExecutionException();
            })) {
      assertThat(refusing.run(cdb16(0x88, 0, 0, 16), pieces).status()).isEqualTo(ScsiResult.BUSY);
      assertThat(refusing.in("28000000000000000100", 512).result().status())
          .isEqualTo(ScsiResult.BUSY);
    }
    try (var full =
        new ScsiTester(
            MemoryDisk.writable(SIZE),
            DeviceOptions.DEFAULTS,
            identity,
            _ -> {
              throw new OutOfMemoryError("no thread");
            })) {
      assertThat(full.run(cdb16(0x88, 0, 0, 16), pieces).status())
          .isEqualTo(ScsiResult.TASK_SET_FULL);
      assertThat(full.in("28000000000000000100", 512).sense()).isEqualTo("3/11/00");
    }
    try (var broken =
        new ScsiTester(
            MemoryDisk.writable(SIZE),
            DeviceOptions.DEFAULTS,
            identity,
            _ -> {
              throw new IllegalStateException("defect");
            })) {
      assertThat(broken.run(cdb16(0x88, 0, 0, 16), pieces))
          .isEqualTo(ScsiResult.failed(Sense.INTERNAL_FAILURE));
    }
  }

  @Test
  void tooManyScatteredCommandsAtOnceHaveToComeAgain() throws Exception {
    var hold = new CountDownLatch(1);
    var entered = new CountDownLatch(BouncePool.MOST);
    scripted.play((_, _, _) -> {
      entered.countDown();
      await(hold);
    });
    var ends = new ArrayList<ScsiTester.End>();
    for (int i = 0; i < BouncePool.MOST; i++) {
      var end = new ScsiTester.End();
      ends.add(end);
      disk.disk.submit(
          cdb16(0x88, 0, 0, 2), ScsiTester.cut(ByteBuffer.allocateDirect(1024), 512), end);
    }
    assertThat(entered.await(60, TimeUnit.SECONDS)).isTrue();
    List<ByteBuffer> one = ScsiTester.cut(ByteBuffer.allocateDirect(1024), 512);
    assertThat(disk.run(cdb16(0x88, 0, 0, 2), one).status()).isEqualTo(ScsiResult.TASK_SET_FULL);
    hold.countDown();
    ends.forEach(end -> assertThat(end.await()).isEqualTo(ScsiResult.good(1024)));
    assertThat(disk.run(cdb16(0x88, 0, 0, 2), one)).isEqualTo(ScsiResult.good(1024));
  }

  @Test
  void verifyComparesWhatItIsGiven() throws IOException {
    byte[] data = random(300 * 512);
    store(0, data);
    int blocks = data.length / 512;
    assertThat(disk.run(cdb16(0x8F, 0, 0, blocks), new byte[0]).hex()).isEmpty();
    disk.run(cdb16(0x8F, 2, 0, blocks), data).isGood();
    byte[] other = data.clone();
    other[other.length - 1] ^= 1;
    assertThat(disk.run(cdb16(0x8F, 2, 0, blocks), other).sense()).isEqualTo("e/1d/00");
    disk.run(cdb16(0x8F, 2, 0, blocks - 1), other).isGood();

    byte[] block = Arrays.copyOf(data, 512);
    for (int i = 0; i < blocks; i++) {
      store(i * 512L, block);
    }
    disk.run(cdb16(0x8F, 6, 0, blocks), block).isGood();
    disk.out("2F060000000000000800", block).isGood();
    disk.out("AF0600000000000000080000", block).isGood();
    block[0] ^= 1;
    assertThat(disk.run(cdb16(0x8F, 6, 0, blocks), block).sense()).isEqualTo("e/1d/00");
    assertThat(disk.run(cdb16(0x8F, 6, 0, 0), new byte[0]).hex()).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "UNMAP bit and zeros, 93080000000000000010000000200000, 00, DISCARD",
    "UNMAP bit without data, 93080000000000000010000000200000, , DISCARD",
    "UNMAP and NDOB, 93090000000000000010000000200000, , DISCARD",
    "UNMAP bit of 10 bytes, 41080000001000002000, 00, DISCARD",
    "zeros, 93000000000000000010000000200000, 00, WRITE",
    "NDOB, 93010000000000000010000000200000, , WRITE",
    "pattern, 93000000000000000010000000200000, a5, WRITE",
    "pattern of 10 bytes, 41000000001000002000, a5, WRITE",
    "UNMAP bit and pattern, 93080000000000000010000000200000, a5, WRITE",
  })
  void writeSameWritesWhatItIsGivenAndDeallocatesZerosIfItMay(
      String name, String cdb, String fill, Op op) throws IOException {
    byte[] before = random(64 * 512);
    store(0, before);
    var ops = new ConcurrentLinkedQueue<Op>();
    scripted.play((what, _, _) -> ops.add(what));
    byte[] block = new byte[fill == null ? 0 : 512];
    byte value = fill == null ? 0 : (byte) Integer.parseInt(fill, 16);
    Arrays.fill(block, value);
    disk.out(cdb, block).isGood();
    assertThat(ops).as(name).containsOnly(op);
    Arrays.fill(before, 16 * 512, 48 * 512, value);
    assertThat(stored(0, before.length)).isEqualTo(before);
  }

  @Test
  void writeSameIsBoundedByWhatBlockLimitsSay() throws IOException {
    var huge =
        new ScriptedDisk(MemoryDisk.writable(0)) {
          @Override
          public long size() {
            return 1L << 40;
          }

          @Override
          public void discard(long offset, long length) {}
        };
    try (var large = new ScsiTester(huge)) {
      int most = (int) Limits.WRITE_SAME_BLOCKS;
      large.run(cdb16(0x93, 9, 0, most), new byte[0]).isGood();
      assertThat(large.run(cdb16(0x93, 9, 0, most + 1), new byte[0]).sense()).isEqualTo("5/24/00");
      large.out("42000000000000001800", unmap(0, Limits.UNMAP_BLOCKS)).isGood();
      assertThat(large.out("42000000000000001800", unmap(0, Limits.UNMAP_BLOCKS + 1)).sense())
          .isEqualTo("5/26/00");
      assertThat(large.out("42000000000000002800", unmap(0, Limits.UNMAP_BLOCKS, 0, 1)).sense())
          .isEqualTo("5/26/00");
      large.run(unmapCdb(256), unmap(new long[512])).isGood();
      assertThat(large.run(unmapCdb(257), unmap(new long[514])).sense()).isEqualTo("5/26/00");
    }
  }

  private static byte[] unmapCdb(int descriptors) {
    int bytes = 8 + 16 * descriptors;
    byte[] cdb = new byte[10];
    cdb[0] = 0x42;
    cdb[7] = (byte) (bytes >> 8);
    cdb[8] = (byte) bytes;
    return cdb;
  }

  /** A parameter list of LBAs, each followed by a number of blocks. */
  private static byte[] unmap(long... ranges) {
    int bytes = 8 * ranges.length;
    var list = ByteBuffer.allocate(8 + bytes);
    list.putShort((short) (bytes + 6)).putShort((short) bytes).putInt(0);
    for (int i = 0; i < ranges.length; i += 2) {
      list.putLong(ranges[i]).putInt((int) ranges[i + 1]).putInt(0);
    }
    return list.array();
  }

  @Test
  void unmapDiscardsAllRangesOrNone() throws IOException {
    byte[] data = random(64 * 512);
    store(0, data);
    disk.run(unmapCdb(3), unmap(1, 2, 60, 4, 7, 0)).isGood();
    Arrays.fill(data, 512, 3 * 512, (byte) 0);
    Arrays.fill(data, 60 * 512, 64 * 512, (byte) 0);
    assertThat(stored(0, data.length)).isEqualTo(data);
    disk.run(unmapCdb(1), unmap(5, 1)).isGood();
    Arrays.fill(data, 5 * 512, 6 * 512, (byte) 0);

    long end = SIZE / 512;
    assertThat(disk.run(unmapCdb(2), unmap(0, 1, end, 1)).sense()).isEqualTo("5/21/00");
    assertThat(disk.run(unmapCdb(2), unmap(0, 1, -1, 1)).sense()).isEqualTo("5/21/00");
    assertThat(disk.run(unmapCdb(2), unmap(0, 1, end - 1, -1)).sense()).isEqualTo("5/21/00");
    assertThat(stored(0, data.length)).isEqualTo(data);

    byte[] longer = unmap(9, 1);
    longer[3] = 17; // says there is one byte more than came
    assertThat(disk.run(unmapCdb(1), longer).sense()).isEqualTo("5/1a/00");
    byte[] cut = unmap(9, 1, 10, 1);
    cut[3] = 31; // the second descriptor is not whole
    disk.run(unmapCdb(2), cut).isGood();
    Arrays.fill(data, 9 * 512, 10 * 512, (byte) 0);
    assertThat(stored(0, data.length)).isEqualTo(data);
    disk.in("42000000000000000000", 0).isGood();
  }

  private static byte[] compareAndWrite(long lba) {
    byte[] cdb = cdb16(0x89, 0, lba, 0);
    cdb[13] = 1;
    return cdb;
  }

  @Test
  void compareAndWriteWritesOnlyOverWhatItWasTold() throws IOException {
    byte[] data = random(1024);
    store(512, data);
    byte[] blocks = Arrays.copyOf(data, 1024);
    Arrays.fill(blocks, 512, 1024, (byte) 0x11);
    ScsiTester.Answer good = disk.run(compareAndWrite(1), blocks);
    good.isGood();
    assertThat(good.result().transferred()).isEqualTo(1024);
    Arrays.fill(data, 0, 512, (byte) 0x11);
    assertThat(stored(512, 1024)).isEqualTo(data);

    blocks = Arrays.copyOf(data, 1024);
    blocks[300] ^= 1;
    ScsiTester.Answer miscompare = disk.run(compareAndWrite(1), blocks);
    assertThat(miscompare.sense()).isEqualTo("e/1d/00");
    assertThat(miscompare.result().sense()).isEqualTo(Sense.MISCOMPARE.withInformation(300));
    assertThat(stored(512, 1024)).isEqualTo(data);
    byte[] none = compareAndWrite(1);
    none[13] = 0;
    disk.run(none, new byte[0]).isGood();
  }

  @Test
  void compareAndWriteLosesNoIncrementOfAnyThread() throws Exception {
    int threads = 4;
    int increments = 50;
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var all = new ArrayList<Thread>();
    for (int t = 0; t < threads; t++) {
      int lba = 16 + t;
      all.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  for (int i = 0; i < increments; i++) {
                    disk.run(cdb16(0x8A, 0, lba, 1), random(512))
                        .isGood(); // others write elsewhere
                    increment();
                  }
                } catch (Throwable e) {
                  failures.add(e);
                }
              }));
    }
    for (Thread thread : all) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    assertThat(ByteBuffer.wrap(stored(0, 512)).getLong(0)).isEqualTo((long) threads * increments);
  }

  private void increment() {
    ScsiTester.Answer answer;
    do {
      byte[] blocks = Arrays.copyOf(disk.run(cdb16(0x88, 0, 0, 1), new byte[512]).data(), 1024);
      var counter = ByteBuffer.wrap(blocks);
      counter.putLong(512, counter.getLong(0) + 1);
      answer = disk.run(compareAndWrite(0), blocks);
    } while (answer.sense().equals("e/1d/00"));
    answer.isGood();
  }

  @Test
  void nothingIsWrittenBetweenComparisonAndWrite() throws Exception {
    var reads = new AtomicInteger();
    var compared = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    scripted.play((op, _, _) -> {
      if (op == Op.READ && reads.incrementAndGet() == 2) { // the one that counts
        compared.countDown();
        await(goOn);
      }
    });
    var swap = new ScsiTester.End();
    byte[] blocks = new byte[1024];
    Arrays.fill(blocks, 512, 1024, (byte) 1);
    ByteBuffer data = ByteBuffer.allocateDirect(1024).put(blocks).flip();
    disk.disk.submit(compareAndWrite(0), List.of(data), swap);
    assertThat(compared.await(60, TimeUnit.SECONDS)).isTrue();

    var write = new ScsiTester.End();
    ByteBuffer twos = ByteBuffer.allocateDirect(512);
    while (twos.hasRemaining()) {
      twos.put((byte) 2);
    }
    disk.disk.submit(cdb16(0x8A, 0, 0, 1), List.of(twos.flip()), write);
    disk.in("28000000000000000100", 512).isGood(); // reads are not held up
    assertThat(write.hasEnded()).isFalse();
    assertThat(stored(0, 512)).containsOnly(0);
    goOn.countDown();
    assertThat(swap.await()).isEqualTo(ScsiResult.good(1024));
    assertThat(write.await()).isEqualTo(ScsiResult.good(512));
    assertThat(stored(0, 512)).containsOnly(2);
  }

  @Test
  void compareAndWriteWhoseFailureWasToldWritesNothingLater() throws Exception {
    for (int hung : new int[] {1, 2}) { // of its two comparisons
      var memory = MemoryDisk.writable(SIZE);
      var hanging = new ScriptedDisk(memory);
      var hang = new CountDownLatch(1);
      var reads = new AtomicInteger();
      hanging.play((op, _, _) -> {
        if (op == Op.READ && reads.incrementAndGet() == hung) {
          await(hang);
        }
      });
      var options =
          DeviceOptions.DEFAULTS
              .withReadPatience(Duration.ofMillis(20))
              .withHangGrace(Duration.ofMillis(20));
      try (var slow = new ScsiTester(hanging, options)) {
        var overdue = new CountDownLatch(1);
        var done = new CountDownLatch(1);
        byte[] blocks = new byte[1024];
        Arrays.fill(blocks, 512, 1024, (byte) 1);
        slow.disk.submit(
            compareAndWrite(0),
            List.of(ByteBuffer.allocateDirect(1024).put(blocks).flip()),
            new CommandDone() {
              @Override
              public void done(ScsiResult result) {
                done.countDown();
              }

              @Override
              public void overdue(ScsiResult result) {
                overdue.countDown();
              }
            });
        assertThat(overdue.await(60, TimeUnit.SECONDS)).isTrue();
        hang.countDown();
        assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();
        var stored = ByteBuffer.allocateDirect(512);
        memory.read(0, stored);
        byte[] bytes = new byte[512];
        stored.flip().get(bytes);
        assertThat(bytes).as("comparison %s hung", hung).containsOnly(0);
      }
    }
  }
}
