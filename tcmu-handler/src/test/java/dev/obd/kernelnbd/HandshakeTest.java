package dev.obd.kernelnbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.nativeio.Fd;
import dev.obd.nativeio.UnixSocket;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Against servers that say what they like. */
@Timeout(60)
class HandshakeTest {
  private static final long REPLY_MAGIC = 0x0003_e889_0455_65a9L;

  @TempDir private Path directory;

  /** Negotiates with a server that sends {@code bytes} and hangs up. */
  private Handshake.Export negotiate(ByteBuffer bytes) throws Exception {
    Path path = directory.resolve("s");
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      var talk =
          Thread.ofPlatform()
              .start(() -> {
                try (SocketChannel client = server.accept()) {
                  while (bytes.hasRemaining()) {
                    client.write(bytes);
                  }
                  client.shutdownOutput();
                  var ignored = ByteBuffer.allocate(4096);
                  while (client.read(ignored) >= 0) {
                    ignored.clear();
                  }
                } catch (IOException _) {
                  // the client had enough
                }
              });
      try (Fd socket = UnixSocket.connect(path)) {
        return Handshake.negotiate(socket, "name");
      } finally {
        talk.join();
        Files.delete(path);
      }
    }
  }

  private static ByteBuffer greeting() {
    return ByteBuffer.allocate(1 << 16)
        .putLong(0x4e42_444d_4147_4943L)
        .putLong(0x4948_4156_454f_5054L)
        .putShort((short) 3);
  }

  private static ByteBuffer reply(ByteBuffer out, int type, int length) {
    return out.putLong(REPLY_MAGIC).putInt(7).putInt(type).putInt(length);
  }

  private static ByteBuffer export(ByteBuffer out) {
    return reply(out, 3, 12).putShort((short) 0).putLong(1 << 20).putShort((short) 0x16d);
  }

  @Test
  void sizeAndFlagsAreThoseOfTheExport() throws Exception {
    ByteBuffer bytes = greeting();
    reply(bytes, 3, 14).putShort((short) 3).putInt(1).putInt(4096).putInt(1 << 25);
    export(bytes);
    reply(bytes, 1, 0);
    assertThat(negotiate(bytes.flip())).isEqualTo(new Handshake.Export(1 << 20, 0x16d));
  }

  @Test
  void aServerThatIsNoneIsRefused() {
    assertThatThrownBy(() -> negotiate(ByteBuffer.wrap("HTTP/1.1 400 Bad Request\n".getBytes())))
        .hasMessageContaining("magic");
  }

  @Test
  void aServerThatHangsUpIsNotWaitedFor() {
    assertThatThrownBy(() -> negotiate(ByteBuffer.allocate(7))).hasMessageContaining("hung up");
    assertThatThrownBy(() -> negotiate(greeting().flip())).hasMessageContaining("hung up");
  }

  @Test
  void aRefusalIsToldInTheServersWords() {
    ByteBuffer bytes = greeting();
    reply(bytes, 0x8000_0006, 7).put("no such".getBytes());
    assertThatThrownBy(() -> negotiate(bytes.flip())).hasMessageContaining("no such");
  }

  @Test
  void anAnswerThatIsTooLongIsNotRead() {
    ByteBuffer bytes = greeting();
    reply(bytes, 3, Integer.MAX_VALUE);
    assertThatThrownBy(() -> negotiate(bytes.flip())).hasMessageContaining("2147483647");
  }

  @Test
  void endlessAnswersEnd() {
    ByteBuffer bytes = greeting();
    for (int i = 0; i < 500; i++) {
      export(bytes);
    }
    assertThatThrownBy(() -> negotiate(bytes.flip())).hasMessageContaining("replies");
  }

  @Test
  void acceptanceWithoutASizeIsRefused() {
    ByteBuffer bytes = greeting();
    reply(bytes, 1, 0);
    assertThatThrownBy(() -> negotiate(bytes.flip())).hasMessageContaining("without a size");
  }

  static long[] seeds() {
    return new long[] {1, 2, 3, System.nanoTime()};
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noiseEndsInAnErrorOrAnExport(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 50; i++) {
      ByteBuffer bytes = greeting();
      reply(bytes, 3, 14).putShort((short) 3).putInt(1).putInt(4096).putInt(1 << 25);
      export(bytes);
      reply(bytes, 1, 0);
      bytes.flip();
      for (int flips = random.nextInt(4); flips >= 0; flips--) {
        bytes.put(random.nextInt(bytes.limit()), (byte) random.nextInt(256));
      }
      try {
        assertThat(negotiate(bytes).flags()).isBetween(0, 0xffff);
      } catch (IOException expected) {
        assertThat(expected).hasMessageStartingWith(directory.toString());
      }
    }
  }
}
