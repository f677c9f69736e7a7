package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Thousands of clients that mean no good, and one that must not notice. */
@ExtendWith(NoLeaks.class)
@Timeout(300)
class NbdHostileClientTest {
  private static final int CASES = 6000; // of each seed
  private static final int SIZE = 1 << 20;

  @TempDir private Path directory;

  static long[] seeds() {
    return new long[] {1, System.nanoTime()};
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noBytesBringTheServerDownOrDisturbOthers(long seed) throws Exception {
    byte[] content = new byte[SIZE];
    new SplittableRandom(9).nextBytes(content);
    var allocator = new UnpooledByteBufAllocator(true);
    var honestReads = new AtomicLong();
    var failure = new AtomicReference<Throwable>();
    var disk = MemoryDisk.readOnly(content);
    try (NbdServer server =
        NbdServer.builder()
            .unix(directory.resolve("s"))
            .export("ro", new BlockDevice("ro", disk, DeviceOptions.DEFAULTS))
            .export("rw", new BlockDevice("rw", MemoryDisk.writable(SIZE), DeviceOptions.DEFAULTS))
            .defaultExport("ro")
            .allocator(allocator)
            .start()) {
      var honest = NbdClient.connect(URI.create(server.uri("ro")), Duration.ofSeconds(60));
      Thread reader = Thread.ofVirtual().start(() -> read(honest, content, honestReads, failure));
      SocketAddress address = NbdUri.parse(URI.create(server.uri(""))).address();
      var random = new SplittableRandom(seed);
      long most = 0;
      for (int i = 0; i < CASES; i++) {
        hostile(address, random);
        most = Math.max(most, allocator.metric().usedDirectMemory());
      }
      assertThat(failure.get()).isNull();
      assertThat(reader.isAlive()).isTrue();
      assertThat(honestReads).hasPositiveValue();
      // At most what every connection may hold; hardly ever more than a few live at once.
      assertThat(most).isLessThan(512 << 20);
      try (var another = NbdClient.connect(URI.create(server.uri("ro")), Duration.ofSeconds(60))) {
        var all = ByteBuffer.allocate(SIZE);
        another.read(0, all);
        assertThat(all.array()).isEqualTo(content);
      }
      honest.close();
      reader.join();
    }
    while (allocator.metric().usedDirectMemory() > 0) {
      Thread.onSpinWait(); // the last connections' buffers
    }
  }

  private static void read(
      NbdClient client, byte[] content, AtomicLong reads, AtomicReference<Throwable> failure) {
    var random = new SplittableRandom(1);
    try {
      while (true) {
        int length = 1 + random.nextInt(8192);
        int offset = random.nextInt(SIZE - length);
        var dst = ByteBuffer.allocate(length);
        client.read(offset, dst);
        if (!Arrays.equals(dst.array(), 0, length, content, offset, offset + length)) {
          failure.set(new AssertionError("wrong bytes at " + offset));
          return;
        }
        reads.incrementAndGet();
      }
    } catch (IOException e) {
      if (!"the NBD connection is closed".equals(e.getMessage())) { // not by the test itself
        failure.set(e);
      }
    }
  }

  private static void hostile(SocketAddress address, SplittableRandom random) throws IOException {
    byte[] bytes = random.nextInt(10) == 0 ? noise(random) : mutated(session(random), random);
    try (SocketChannel channel = SocketChannel.open(address)) {
      channel.configureBlocking(false); // it may not want to read all of it
      var out = ByteBuffer.wrap(bytes);
      for (int tries = 0; out.hasRemaining() && tries < 50; tries++) {
        channel.write(out);
      }
      if (random.nextBoolean()) {
        channel.shutdownOutput();
        channel.configureBlocking(true);
        var in = ByteBuffer.allocate(64 << 10);
        for (int i = 0; i < 20 && channel.read(in.clear()) > 0; i++) {
          in.flip();
        }
      }
    } catch (IOException _) {
      // the server was faster to close
    }
  }

  private static byte[] noise(SplittableRandom random) {
    byte[] bytes = new byte[random.nextInt(2000)];
    random.nextBytes(bytes);
    return bytes;
  }

  /** A session that would be fine: some options, GO, some requests. */
  private static byte[] session(SplittableRandom random) throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.writeInt(3);
    String export = random.nextBoolean() ? "rw" : "ro";
    if (random.nextBoolean()) {
      option(out, Protocol.OPT_LIST);
    }
    if (random.nextBoolean()) {
      option(out, Protocol.OPT_STRUCTURED_REPLY);
      option(
          out,
          Protocol.OPT_SET_META_CONTEXT,
          RawPeer.meta(export, Protocol.BASE_ALLOCATION, "other:context"));
    }
    if (random.nextInt(4) == 0) {
      option(out, Protocol.OPT_INFO, RawPeer.info(export, 0, 1, 2, 3));
    }
    if (random.nextInt(8) == 0) {
      option(out, Protocol.OPT_EXPORT_NAME, (byte) 'r', (byte) 'o');
    } else {
      option(out, Protocol.OPT_GO, RawPeer.info(export));
    }
    int requests = random.nextInt(12);
    for (int i = 0; i < requests; i++) {
      int type = random.nextInt(8);
      int length = random.nextInt(10) == 0 ? random.nextInt(1 << 20) : 512 * random.nextInt(20);
      out.writeInt(Protocol.REQUEST_MAGIC);
      out.writeShort(1 << random.nextInt(6) & random.nextInt());
      out.writeShort(type);
      out.writeLong(i);
      out.writeLong(512L * random.nextInt(SIZE / 512));
      out.writeInt(length);
      if (type == Protocol.CMD_WRITE) {
        out.write(new byte[length]);
      }
    }
    return bytes.toByteArray();
  }

  private static void option(DataOutputStream out, int option, byte... data) throws IOException {
    out.writeLong(Protocol.OPTION_MAGIC);
    out.writeInt(option);
    out.writeInt(data.length);
    out.write(data);
  }

  private static byte[] mutated(byte[] bytes, SplittableRandom random) {
    int changes = random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 -> Arrays.fill(bytes, at, Math.min(bytes.length, at + 4), (byte) -1);
        default -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
      }
    }
    return bytes;
  }
}
