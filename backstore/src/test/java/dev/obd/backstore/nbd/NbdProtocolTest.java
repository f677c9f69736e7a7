package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.Op;
import dev.obd.backstore.device.ScriptedDisk;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The protocol, byte by byte. */
@ExtendWith(NoLeaks.class)
@Timeout(60)
class NbdProtocolTest {
  private static final int SIZE = 2 << 20;
  private static final int EPERM = 1;
  private static final int EIO = 5;
  private static final int EINVAL = 22;
  private static final int ENOSPC = 28;
  private static final int ENOTSUP = 95;

  @TempDir private Path directory;
  private final List<Closeable> open = new ArrayList<>();
  private final byte[] content = new byte[SIZE];
  private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
  private MemoryDisk writable;
  private ScriptedDisk disk;
  private NbdServer server;

  @BeforeEach
  void start() throws Exception {
    // 256 KiB of data, 512 KiB of holes, data to the end.
    new SplittableRandom(1).nextBytes(content);
    Arrays.fill(content, 256 << 10, 768 << 10, (byte) 0);
    writable = MemoryDisk.writable(content);
    disk = new ScriptedDisk(writable);
    server =
        NbdServer.builder()
            .unix(directory.resolve("s"))
            .export("rw", new BlockDevice("rw", disk, DeviceOptions.DEFAULTS))
            .export(
                "ro", new BlockDevice("ro", MemoryDisk.readOnly(content), DeviceOptions.DEFAULTS))
            .defaultExport("ro")
            .handshakeTimeout(Duration.ofSeconds(20))
            .drainTimeout(Duration.ofSeconds(2))
            .allocator(allocator)
            .start();
    open.add(server);
  }

  @AfterEach
  void stop() throws IOException {
    disk.play((_, _, _) -> {});
    for (Closeable c : open.reversed()) {
      c.close();
    }
    long limit = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (allocator.metric().usedDirectMemory() > 0 && System.nanoTime() < limit) {
      Thread.onSpinWait();
    }
    assertThat(allocator.metric().usedDirectMemory()).isZero();
  }

  private RawPeer peer() throws IOException {
    var peer = new RawPeer(server);
    open.add(peer);
    return peer;
  }

  // ---- handshake

  @Test
  void listsExportsInOrder() throws IOException {
    RawPeer peer = peer().greet();
    peer.option(Protocol.OPT_LIST);
    RawPeer.OptionReply first = peer.reply();
    assertThat(first.type()).isEqualTo(Protocol.REP_SERVER);
    assertThat(first.data()).isEqualTo(new byte[] {0, 0, 0, 2, 'r', 'o'});
    assertThat(peer.reply().data()).isEqualTo(new byte[] {0, 0, 0, 2, 'r', 'w'});
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    peer.option(Protocol.OPT_LIST, (byte) 1);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_INVALID);
  }

  @Test
  void infoSaysSizeFlagsBlockSizesAndName() throws IOException {
    RawPeer peer = peer().greet();
    peer.option(Protocol.OPT_INFO, RawPeer.info("", Protocol.INFO_NAME));
    ByteBuffer export = ByteBuffer.wrap(peer.reply().data());
    assertThat(export.getShort()).isEqualTo((short) Protocol.INFO_EXPORT);
    assertThat(export.getLong()).isEqualTo(SIZE);
    assertThat(export.getShort()).isEqualTo((short) 0b101_0000_0111);
    ByteBuffer blocks = ByteBuffer.wrap(peer.reply().data());
    assertThat(blocks.getShort()).isEqualTo((short) Protocol.INFO_BLOCK_SIZE);
    assertThat(blocks.getInt()).isEqualTo(1);
    assertThat(blocks.getInt()).isEqualTo(4096);
    assertThat(blocks.getInt()).isEqualTo(32 << 20);
    assertThat(peer.reply().data()).isEqualTo(new byte[] {0, 1, 'r', 'o'});
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);

    peer.option(Protocol.OPT_STRUCTURED_REPLY);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    peer.option(Protocol.OPT_INFO, RawPeer.info("rw"));
    assertThat(ByteBuffer.wrap(peer.reply().data()).getShort(10))
        .isEqualTo((short) 0b1101_1110_1101);
    assertThat(ByteBuffer.wrap(peer.reply().data()).getInt(2)).isEqualTo(512);
    assertThat(peer.outcome()).isEqualTo(Protocol.REP_ACK);
  }

  @Test
  void unknownExportsAndOptionsAreRefusedAndTheHandshakeGoesOn() throws IOException {
    RawPeer peer = peer().greet();
    peer.option(Protocol.OPT_GO, RawPeer.info("none"));
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_UNKNOWN);
    peer.option(Protocol.OPT_STARTTLS);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_UNSUP);
    peer.option(4711, new byte[100]);
    RawPeer.OptionReply unknown = peer.reply();
    assertThat(unknown.option()).isEqualTo(4711);
    assertThat(unknown.type()).isEqualTo(Protocol.REP_ERR_UNSUP);
    peer.option(4712, new byte[1 << 20]); // more than any option we know
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_TOO_BIG);
    peer.option(Protocol.OPT_GO, RawPeer.info("ro"));
    assertThat(peer.outcome()).isEqualTo(Protocol.REP_ACK);
  }

  @Test
  void malformedOptionDataIsInvalid() throws IOException {
    RawPeer peer = peer().greet();
    byte[][] bad = {
      {},
      {0, 0, 0, 9, 'r', 'o', 0, 0},
      {-1, -1, -1, -1, 'r', 'o', 0, 0},
      {0, 0, 0, 2, 'r', 'o'},
      {0, 0, 0, 2, 'r', 'o', 0, 2, 0, 3},
      {0, 0, 0, 2, 'r', 'o', 0, 0, 1}
    };
    for (byte[] data : bad) {
      peer.option(Protocol.OPT_GO, data);
      assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_INVALID);
    }
    peer.option(Protocol.OPT_STRUCTURED_REPLY);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    byte[][] badQueries = {
      {0, 0, 0, 2, 'r', 'o'},
      {0, 0, 0, 2, 'r', 'o', -1, -1, -1, -1},
      {0, 0, 0, 2, 'r', 'o', 0, 0, 0, 1, 0, 0, 0, 9, 'x'},
      {0, 0, 0, 2, 'r', 'o', 0, 0, 0, 0, 7}
    };
    for (byte[] data : badQueries) {
      peer.option(Protocol.OPT_SET_META_CONTEXT, data);
      assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_INVALID);
    }
  }

  @Test
  void metaContextsNeedStructuredRepliesAndKnowTheirQueries() throws IOException {
    RawPeer peer = peer().greet();
    byte[] allocation = RawPeer.meta("rw", Protocol.BASE_ALLOCATION);
    peer.option(Protocol.OPT_SET_META_CONTEXT, allocation);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_INVALID);
    peer.option(Protocol.OPT_STRUCTURED_REPLY);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    for (byte[] query : List.of(RawPeer.meta("rw"), RawPeer.meta("rw", "base:"), allocation)) {
      peer.option(Protocol.OPT_LIST_META_CONTEXT, query);
      assertThat(peer.reply().data())
          .isEqualTo("\0\0\0\1base:allocation".getBytes(java.nio.charset.StandardCharsets.UTF_8));
      assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    }
    peer.option(Protocol.OPT_SET_META_CONTEXT, RawPeer.meta("rw", "qemu:dirty-bitmap:x"));
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    peer.option(Protocol.OPT_SET_META_CONTEXT, RawPeer.meta("none", Protocol.BASE_ALLOCATION));
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ERR_UNKNOWN);
  }

  @Test
  void aContextOfAnotherExportIsNotInForce() throws IOException {
    RawPeer peer = peer().greet();
    peer.option(Protocol.OPT_STRUCTURED_REPLY);
    peer.outcome();
    peer.option(Protocol.OPT_SET_META_CONTEXT, RawPeer.meta("ro", Protocol.BASE_ALLOCATION));
    peer.outcome();
    peer.option(Protocol.OPT_GO, RawPeer.info("rw"));
    peer.outcome();
    peer.request(Protocol.CMD_BLOCK_STATUS, 0, 1, 0, SIZE);
    RawPeer.Chunk chunk = peer.chunk();
    assertThat(chunk.type()).isEqualTo(Protocol.CHUNK_ERROR);
    assertThat(chunk.buffer().getInt()).isEqualTo(EINVAL);
  }

  @Test
  void exportNameIsAnsweredWithOrWithoutZeroes() throws IOException {
    for (int flags : new int[] {0, 1, 2, 3}) {
      RawPeer peer = peer().greet(flags);
      peer.option(Protocol.OPT_EXPORT_NAME, (byte) 'r', (byte) 'o');
      assertThat(peer.in.readLong()).isEqualTo(SIZE);
      peer.in.readShort();
      if ((flags & Protocol.NO_ZEROES) == 0) {
        assertThat(peer.in.readNBytes(124)).containsOnly(0).hasSize(124);
      }
      peer.request(Protocol.CMD_READ, 0, 9, 0, 512);
      assertThat(peer.simple(9)).isZero();
      assertThat(peer.in.readNBytes(512)).isEqualTo(Arrays.copyOf(content, 512));
    }
    RawPeer peer = peer().greet();
    peer.option(Protocol.OPT_EXPORT_NAME, (byte) 'x');
    assertThat(peer.isClosed()).isTrue();
  }

  @Test
  void abortIsAcknowledgedAndClosed() throws IOException {
    RawPeer peer = peer().greet();
    peer.option(Protocol.OPT_ABORT);
    assertThat(peer.reply().type()).isEqualTo(Protocol.REP_ACK);
    assertThat(peer.isClosed()).isTrue();
  }

  @Test
  void nonsenseInTheHandshakeIsClosed() throws IOException {
    RawPeer flags = peer().greet(0x80);
    assertThat(flags.isClosed()).isTrue();
    RawPeer magic = peer().greet();
    magic.send(new byte[16]);
    assertThat(magic.isClosed()).isTrue();
    RawPeer notFixed = peer().greet(0);
    notFixed.option(Protocol.OPT_LIST);
    assertThat(notFixed.isClosed()).isTrue();
    RawPeer many = peer().greet();
    try {
      for (int i = 0; i < 1001; i++) {
        many.option(4711);
        many.reply();
      }
      assertThat(many.isClosed()).isTrue();
    } catch (IOException _) {
      // closed
    }
  }

  // ---- transmission

  @Test
  void requestsMayFollowTheHandshakeWithoutWaiting() throws IOException {
    RawPeer peer = peer().greet();
    byte[] go = RawPeer.info("ro");
    var burst =
        ByteBuffer.allocate(16 + go.length + 28)
            .putLong(Protocol.OPTION_MAGIC)
            .putInt(Protocol.OPT_GO)
            .putInt(go.length)
            .put(go)
            .putInt(Protocol.REQUEST_MAGIC)
            .putInt(Protocol.CMD_READ)
            .putLong(77)
            .putLong(512)
            .putInt(1024);
    peer.send(burst);
    assertThat(peer.outcome()).isEqualTo(Protocol.REP_ACK);
    assertThat(peer.simple(77)).isZero();
    assertThat(peer.in.readNBytes(1024)).isEqualTo(Arrays.copyOfRange(content, 512, 1536));
  }

  @Test
  void aRequestMayComeByteByByte() throws IOException {
    RawPeer peer = peer().go("rw");
    byte[] payload = new byte[512];
    Arrays.fill(payload, (byte) 7);
    var request =
        ByteBuffer.allocate(28 + 512)
            .putInt(Protocol.REQUEST_MAGIC)
            .putInt(Protocol.CMD_WRITE)
            .putLong(5)
            .putLong(1024)
            .putInt(512)
            .put(payload);
    for (byte b : request.array()) {
      peer.out.write(b);
    }
    assertThat(peer.simple(5)).isZero();
    var stored = ByteBuffer.allocate(512);
    writable.read(1024, stored);
    assertThat(stored.array()).isEqualTo(payload);
  }

  @Test
  void structuredReadsLeaveHolesOut() throws IOException {
    RawPeer peer = peer().goStructured("ro");
    int from = 200 << 10;
    int length = 600 << 10;
    peer.request(Protocol.CMD_READ, 0, 3, from, length);
    byte[] got = new byte[length];
    var kinds = new ArrayList<Integer>();
    RawPeer.Chunk chunk;
    do {
      chunk = peer.chunk();
      kinds.add(chunk.type());
      assertThat(chunk.cookie()).isEqualTo(3);
      ByteBuffer data = chunk.buffer();
      int at = (int) (data.getLong() - from);
      if (chunk.type() == Protocol.CHUNK_OFFSET_DATA) {
        data.get(got, at, data.remaining());
      } else {
        assertThat(data.getInt()).isEqualTo(512 << 10);
      }
    } while ((chunk.flags() & Protocol.CHUNK_DONE) == 0);
    assertThat(kinds)
        .containsExactly(
            Protocol.CHUNK_OFFSET_DATA, Protocol.CHUNK_OFFSET_HOLE, Protocol.CHUNK_OFFSET_DATA);
    assertThat(got).isEqualTo(Arrays.copyOfRange(content, from, from + length));
  }

  @Test
  void aReadOfNothingButHolesIsOneSmallChunk() throws IOException {
    RawPeer peer = peer().goStructured("ro");
    peer.request(Protocol.CMD_READ, 0, 3, 256 << 10, 512 << 10);
    RawPeer.Chunk chunk = peer.chunk();
    assertThat(chunk.flags()).isEqualTo(Protocol.CHUNK_DONE);
    assertThat(chunk.type()).isEqualTo(Protocol.CHUNK_OFFSET_HOLE);
    assertThat(chunk.buffer().getLong()).isEqualTo(256 << 10);
    assertThat(chunk.buffer().getInt(8)).isEqualTo(512 << 10);
  }

  @Test
  void dontFragmentIsOneChunkWithItsZeros() throws IOException {
    RawPeer peer = peer().goStructured("ro");
    peer.request(Protocol.CMD_READ, Protocol.CMD_FLAG_DF, 3, 0, SIZE);
    RawPeer.Chunk chunk = peer.chunk();
    assertThat(chunk.flags()).isEqualTo(Protocol.CHUNK_DONE);
    assertThat(chunk.type()).isEqualTo(Protocol.CHUNK_OFFSET_DATA);
    assertThat(Arrays.copyOfRange(chunk.data(), 8, 8 + SIZE)).isEqualTo(content);
  }

  @Test
  void blockStatusTellsDataZerosAndHoles() throws IOException {
    RawPeer peer = peer().goStructured("rw");
    peer.request(Protocol.CMD_TRIM, 0, 1, 1 << 20, 64 << 10);
    assertThat(peer.simple(1)).isZero();
    peer.request(Protocol.CMD_BLOCK_STATUS, 0, 2, 0, SIZE);
    assertThat(statuses(peer.chunk()))
        .containsExactly(
            256 << 10, 0, 512 << 10, 3, 256 << 10, 0, 64 << 10, 2, (1024 - 64) << 10, 0);
    peer.request(Protocol.CMD_BLOCK_STATUS, Protocol.CMD_FLAG_REQ_ONE, 3, 300 << 10, SIZE / 2);
    assertThat(statuses(peer.chunk())).containsExactly((768 - 300) << 10, 3);
    peer.request(Protocol.CMD_BLOCK_STATUS, 0, 4, SIZE - 512, 1024);
    assertThat(peer.chunk().buffer().getInt()).isEqualTo(EINVAL);
    peer.request(Protocol.CMD_BLOCK_STATUS, 0, 5, 0, 0);
    assertThat(peer.chunk().buffer().getInt()).isEqualTo(EINVAL);
  }

  private static List<Integer> statuses(RawPeer.Chunk chunk) {
    assertThat(chunk.type()).isEqualTo(Protocol.CHUNK_BLOCK_STATUS);
    assertThat(chunk.flags()).isEqualTo(Protocol.CHUNK_DONE);
    ByteBuffer data = chunk.buffer();
    assertThat(data.getInt()).isEqualTo(Protocol.BASE_ALLOCATION_ID);
    var words = new ArrayList<Integer>();
    while (data.hasRemaining()) {
      words.add(data.getInt());
    }
    return words;
  }

  @Test
  void mistakesGetTheirErrorAndTheConnectionLives() throws IOException {
    RawPeer peer = peer().go("rw");
    record Case(int type, int flags, long offset, long length, int payload, int error) {}
    int read = Protocol.CMD_READ;
    int write = Protocol.CMD_WRITE;
    int trim = Protocol.CMD_TRIM;
    int zeroes = Protocol.CMD_WRITE_ZEROES;
    int noHole = Protocol.CMD_FLAG_NO_HOLE;
    int fast = Protocol.CMD_FLAG_FAST_ZERO;
    var cases =
        List.of(
            new Case(read, 0, SIZE, 1, 0, EINVAL),
            new Case(read, 0, -1, 1, 0, EINVAL),
            new Case(read, 0, 0, 0, 0, EINVAL),
            new Case(read, 0, 0, (32 << 20) + 1, 0, EINVAL),
            new Case(read, 0, 0, 0xffff_ffffL, 0, EINVAL),
            new Case(read, Protocol.CMD_FLAG_DF, 0, 512, 0, EINVAL), // not negotiated
            new Case(read, 1 << 9, 0, 512, 0, EINVAL),
            new Case(write, 0, SIZE, 512, 512, ENOSPC),
            new Case(write, 0, 1, 512, 512, EINVAL),
            new Case(write, 0, 0, 511, 511, EINVAL),
            new Case(write, 1 << 9, 0, 512, 512, EINVAL),
            new Case(write, 0, 0, 0, 0, 0),
            new Case(write, 0, 0, (32 << 20) + 512, (32 << 20) + 512, EINVAL),
            new Case(write, Protocol.CMD_FLAG_FUA, 0, 512, 512, 0),
            new Case(trim, 0, SIZE - 512, 1024, 0, ENOSPC),
            new Case(trim, 0, 0, 100, 0, EINVAL),
            new Case(zeroes, noHole, 0, 65536, 0, 0),
            new Case(zeroes, fast, 0, 65536, 0, 0),
            new Case(zeroes, fast | noHole, 0, 65536, 0, ENOTSUP),
            new Case(zeroes, 0, 0, 0xffff_fe00L, 0, ENOSPC),
            new Case(Protocol.CMD_FLUSH, 0, 0, 0, 0, 0),
            new Case(Protocol.CMD_CACHE, 0, 0, SIZE, 0, 0),
            new Case(Protocol.CMD_CACHE, 0, 1, SIZE, 0, EINVAL),
            new Case(Protocol.CMD_BLOCK_STATUS, 0, 0, SIZE, 0, EINVAL), // not negotiated
            new Case(4711, 0, 0, 0, 0, EINVAL));
    long cookie = 100;
    for (Case c : cases) {
      peer.request(c.type, c.flags, ++cookie, c.offset, c.length, new byte[c.payload]);
      assertThat(peer.simple(cookie)).as(c.toString()).isEqualTo(c.error);
    }
    assertThat(writable.flushes()).isEqualTo(2);
  }

  @Test
  void changesOfAReadOnlyExportAreNotPermitted() throws IOException {
    RawPeer peer = peer().go("ro");
    peer.request(Protocol.CMD_WRITE, 0, 1, 0, 4096, new byte[4096]);
    assertThat(peer.simple(1)).isEqualTo(EPERM);
    peer.request(Protocol.CMD_TRIM, 0, 2, 0, 4096);
    assertThat(peer.simple(2)).isEqualTo(EPERM);
    peer.request(Protocol.CMD_WRITE_ZEROES, 0, 3, 0, 4096);
    assertThat(peer.simple(3)).isEqualTo(EPERM);
    peer.request(Protocol.CMD_READ, 0, 4, 0, 4096);
    assertThat(peer.simple(4)).isZero();
    assertThat(peer.in.readNBytes(4096)).isEqualTo(Arrays.copyOf(content, 4096));
  }

  @Test
  void failuresOfTheDiskAreErrorChunksWithAReason() throws IOException {
    RawPeer peer = peer().goStructured("rw");
    disk.play((op, _, _) -> {
      if (op == Op.READ) {
        throw new java.net.SocketTimeoutException("slow");
      }
    });
    for (int length : new int[] {4096, SIZE}) { // in one piece, and around holes
      peer.request(Protocol.CMD_READ, 0, length, 0, length);
      RawPeer.Chunk chunk = peer.chunk();
      assertThat(chunk.type()).isEqualTo(Protocol.CHUNK_ERROR);
      assertThat(chunk.flags()).isEqualTo(Protocol.CHUNK_DONE);
      assertThat(chunk.buffer().getInt()).isEqualTo(EIO);
      assertThat(new String(chunk.data(), 6, chunk.data().length - 6)).isEqualTo("timed out");
    }
  }

  @Test
  void repliesComeInTheOrderOfCompletion() throws IOException {
    RawPeer peer = peer().go("rw");
    var release = new CountDownLatch(1);
    disk.play((op, offset, _) -> {
      if (op == Op.READ && offset == 0) {
        hold(release);
      }
    });
    peer.request(Protocol.CMD_READ, 0, 1, 0, 512);
    peer.request(Protocol.CMD_READ, 0, 2, 512, 512);
    assertThat(peer.simple(2)).isZero();
    peer.in.readNBytes(512);
    release.countDown();
    assertThat(peer.simple(1)).isZero();
    assertThat(peer.in.readNBytes(512)).isEqualTo(Arrays.copyOf(content, 512));
  }

  @Test
  void disconnectAnswersWhatIsInWorkFirst() throws IOException {
    RawPeer peer = peer().go("rw");
    var release = new CountDownLatch(1);
    var inside = new CountDownLatch(1);
    disk.play((_, _, _) -> {
      inside.countDown();
      hold(release);
    });
    peer.request(Protocol.CMD_WRITE, 0, 1, 0, 512, new byte[512]);
    peer.request(Protocol.CMD_DISC, 0, 2, 0, 0);
    hold(inside);
    release.countDown();
    assertThat(peer.simple(1)).isZero();
    assertThat(peer.isClosed()).isTrue();
  }

  @Test
  void aWrongRequestMagicClosesTheConnection() throws IOException {
    RawPeer peer = peer().go("rw");
    peer.send(new byte[28]);
    assertThat(peer.isClosed()).isTrue();
  }

  @Test
  void aWriteThatCameHalfIsNeverBegun() throws IOException {
    for (int i = 0; i < 20; i++) {
      try (RawPeer peer = peer().go("rw")) {
        peer.request(Protocol.CMD_WRITE, 0, 1, 0, 1 << 20, new byte[512 << 10]);
      }
    }
    while (server.connections() > 0) {
      Thread.onSpinWait();
    }
    var stored = ByteBuffer.allocate(SIZE);
    writable.read(0, stored);
    assertThat(stored.array()).isEqualTo(content);
  }

  @Test
  void aClientThatVanishesDuringItsRequestsLeavesNothingBehind() throws IOException {
    var release = new CountDownLatch(1);
    var inside = new CountDownLatch(2);
    disk.play((_, _, _) -> {
      inside.countDown();
      hold(release);
    });
    try (RawPeer peer = peer().goStructured("rw")) {
      peer.request(Protocol.CMD_WRITE, 0, 1, 0, 4096, new byte[4096]);
      peer.request(Protocol.CMD_READ, 0, 2, 4096, 4096);
      peer.request(Protocol.CMD_READ, 0, 3, 4096, SIZE - 4096);
      peer.request(Protocol.CMD_BLOCK_STATUS, 0, 4, 0, SIZE);
      hold(inside);
    }
    while (server.connections() > 0) {
      Thread.onSpinWait();
    }
    release.countDown(); // what was begun is done: the write holds; stop() looks for leaks
  }

  @Test
  void aClientThatReadsNoRepliesIsNotReadFrom() throws Exception {
    RawPeer greedy = peer().go("ro");
    Thread sender =
        Thread.ofVirtual()
            .start(() -> {
              try {
                for (int i = 0; i < 4096; i++) { // 8 GiB of replies
                  greedy.request(Protocol.CMD_READ, 0, i, 0, SIZE);
                }
              } catch (IOException _) {
                // closed by the end of the test
              }
            });
    RawPeer modest = peer().go("ro");
    for (int i = 0; i < 50; i++) {
      modest.request(Protocol.CMD_READ, 0, i, 0, 4096);
      assertThat(modest.simple(i)).isZero();
      modest.in.readNBytes(4096);
      assertThat(allocator.metric().usedDirectMemory()).isLessThan(100 << 20);
    }
    for (int i = 0; i < 64; i++) { // it starts to read after all, and gets its replies
      greedy.in.readNBytes(16 + SIZE);
    }
    assertThat(allocator.metric().usedDirectMemory()).isLessThan(100 << 20);
    greedy.close();
    sender.join();
  }

  @Test
  void moreRequestsThanTheLimitAreTakenOneAfterAnother() throws IOException {
    RawPeer peer = peer().go("rw");
    int count = 2000;
    var burst = ByteBuffer.allocate(28 * count);
    for (int i = 0; i < count; i++) {
      burst
          .putInt(Protocol.REQUEST_MAGIC)
          .putInt(Protocol.CMD_READ)
          .putLong(i)
          .putLong(512L * i)
          .putInt(512);
    }
    peer.send(burst);
    var seen = new boolean[count];
    for (int i = 0; i < count; i++) {
      peer.in.readInt();
      assertThat(peer.in.readInt()).isZero();
      int cookie = (int) peer.in.readLong();
      assertThat(seen[cookie]).isFalse();
      seen[cookie] = true;
      assertThat(peer.in.readNBytes(512))
          .isEqualTo(Arrays.copyOfRange(content, 512 * cookie, 512 * cookie + 512));
    }
  }

  private static void hold(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
