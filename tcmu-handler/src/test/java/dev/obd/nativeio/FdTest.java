package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FdTest {
  @TempDir Path dir;

  @Test
  void readsAndWritesBetweenPositionAndLimit() throws IOException {
    Path file = Files.writeString(dir.resolve("f"), "0123456789");
    try (Fd fd = Fd.open(file, Fd.READ_WRITE)) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(8).position(2).limit(6);
      assertThat(fd.read(buffer)).isEqualTo(4);
      assertThat(buffer.position()).isEqualTo(6);
      assertThat((char) buffer.get(2)).isEqualTo('0');
      assertThat(fd.write(buffer.position(3))).isEqualTo(3);
    }
    assertThat(Files.readString(file)).isEqualTo("0123123789");
  }

  @Test
  void anErrorNamesTheCallItsArgumentAndTheReason() {
    assertThatThrownBy(() -> Fd.open(dir.resolve("nothing"), Fd.READ_ONLY))
        .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.is(Errno.ENOENT)).isTrue())
        .hasMessage("open(" + dir.resolve("nothing") + "): ENOENT: no such file or directory");
  }

  @Test
  void anUnknownErrorIsItsNumber() {
    assertThat(new ErrnoException("f()", 4242)).hasMessage("f(): errno 4242");
  }

  @Test
  void aRequestThatTheFileDoesNotKnowFails() throws IOException {
    Path file = Files.createFile(dir.resolve("f"));
    try (Fd fd = Fd.open(file, Fd.READ_ONLY)) {
      assertThatThrownBy(() -> fd.ioctl("LOOP_CLR_FD", 0x4C01, 0))
          .hasMessageContaining("LOOP_CLR_FD")
          .hasMessageContaining("ENOTTY");
    }
  }

  @Test
  void aClosedDescriptorIsNeverUsedAgain() throws IOException {
    Path file = Files.createFile(dir.resolve("f"));
    Fd fd = Fd.open(file, Fd.READ_WRITE);
    fd.close();
    fd.close();
    try (Fd next = Fd.open(file, Fd.READ_WRITE)) { // gets the same number
      assertThatThrownBy(() -> fd.write(ByteBuffer.allocateDirect(1)))
          .isInstanceOf(ClosedChannelException.class);
      assertThat(next.write(ByteBuffer.allocateDirect(1))).isEqualTo(1);
    }
  }

  @Test
  void closingWaitsForNobodyAndLetsACallUnderWayEnd() throws Exception {
    int[] ends = new int[2];
    LibC.checked(LibC.calls().pipe2(ends, Fd.CLOSE_ON_EXEC), "pipe2()");
    Fd reading = Fd.adopt(ends[0], "pipe");
    var count = new CompletableFuture<Integer>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            count.complete(reading.read(ByteBuffer.allocateDirect(8)));
          } catch (IOException e) {
            count.completeExceptionally(e);
          }
        });
    try (Fd writing = Fd.adopt(ends[1], "pipe")) {
      assertThatThrownBy(() -> count.get(50, TimeUnit.MILLISECONDS)).isNotNull(); // it is reading
      reading.close();
      writing.write(ByteBuffer.allocateDirect(3));
      assertThat(count.get(30, TimeUnit.SECONDS)).isEqualTo(3);
    }
  }

  @Test
  void onlyDirectBuffersAreTaken() throws IOException {
    try (Fd fd = Fd.open(Files.createFile(dir.resolve("f")), Fd.READ_WRITE)) {
      assertThatThrownBy(() -> fd.read(ByteBuffer.allocate(1)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aPunchedHoleReadsAsZerosAndFreesItsBlocks() throws IOException {
    byte[] content = new byte[256 << 10];
    java.util.Arrays.fill(content, (byte) 7);
    Path file = Files.write(dir.resolve("f"), content);
    long before = blocks(file);
    try (Fd fd = Fd.open(file, Fd.READ_WRITE)) {
      fd.punchHole(64 << 10, 128 << 10);
    } catch (ErrnoException e) {
      assumeTrue(!e.is(Errno.EOPNOTSUPP), "this file system has no holes");
      throw e;
    }
    java.util.Arrays.fill(content, 64 << 10, 192 << 10, (byte) 0);
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(blocks(file)).isLessThan(before);
  }

  private static long blocks(Path file) throws IOException {
    Process stat =
        new ProcessBuilder("stat", "-c", "%b", file.toString()).redirectErrorStream(true).start();
    return Long.parseLong(new String(stat.getInputStream().readAllBytes()).strip());
  }

  @Test
  void spaceIsReserved() throws IOException {
    Path file = Files.createFile(dir.resolve("f"));
    try (Fd fd = Fd.open(file, Fd.READ_WRITE)) {
      fd.allocate(0, 8192);
    } catch (ErrnoException e) {
      assumeTrue(!e.is(Errno.EOPNOTSUPP), "this file system cannot");
    }
    assertThat(Files.size(file)).isEqualTo(8192);
  }

  @Test
  void aCloneIsACopyOrRefusedByName() throws IOException {
    Path file = Files.writeString(dir.resolve("f"), "content");
    Path copy = Files.createFile(dir.resolve("copy"));
    try (Fd from = Fd.open(file, Fd.READ_ONLY);
        Fd to = Fd.open(copy, Fd.READ_WRITE)) {
      to.cloneFrom(from);
      assertThat(Files.readString(copy)).isEqualTo("content");
    } catch (ErrnoException e) {
      assertThat(e).hasMessageContaining("FICLONE");
      assertThat(e.is(Errno.EOPNOTSUPP) || e.is(Errno.EINVAL) || e.is(Errno.ENOTTY)).isTrue();
    }
  }
}
