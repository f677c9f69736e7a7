package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.nativeio.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class OneFileTest {
  private static final int MODE_ONLY = 1;
  private static final int SIZE = 8;
  private static final int MODIFIED_NOW = 1 << 8;

  private final ByteBuffer reply = ByteBuffer.allocate(256).order(ByteOrder.nativeOrder());

  private static OneFile file(boolean writable) {
    return new OneFile(() -> 1 << 20, writable, 3, 4, Instant.ofEpochSecond(1000, 5));
  }

  @Test
  void isARegularFileOfItsOwner() {
    assertThat(file(false).answer(new Operation.GetAttr(), reply)).isZero();
    assertThat(reply.position()).isEqualTo(104);
    assertThat(reply.getLong(24)).isEqualTo(1 << 20);
    assertThat(reply.getLong(32)).isEqualTo(2048);
    assertThat(reply.getInt(76)).isEqualTo(0100400);
    assertThat(reply.getInt(84)).isEqualTo(3);
    reply.clear();
    file(true).answer(new Operation.GetAttr(), reply);
    assertThat(reply.getInt(76)).isEqualTo(0100600);
  }

  @Test
  void aReadOnlyFileIsNotOpenedForWriting() {
    assertThat(file(false).answer(new Operation.Open(2), reply)).isEqualTo(Errno.EROFS.number());
    assertThat(file(false).answer(new Operation.Open(0), reply)).isZero();
    assertThat(reply.getLong(0)).isNotEqualTo(OneFile.WRITER);
    reply.clear();
    assertThat(file(true).answer(new Operation.Open(1), reply)).isZero();
    assertThat(reply.getLong(0)).isEqualTo(OneFile.WRITER);
  }

  @Test
  void keepsItsSizeAndModeAndDoesNotMindTimes() {
    assertThat(file(true).answer(new Operation.SetAttr(SIZE, 0), reply))
        .isEqualTo(Errno.EPERM.number());
    assertThat(file(true).answer(new Operation.SetAttr(MODE_ONLY, 0), reply))
        .isEqualTo(Errno.EPERM.number());
    assertThat(file(true).answer(new Operation.SetAttr(SIZE, 1 << 20), reply)).isZero();
    reply.clear();
    assertThat(file(true).answer(new Operation.SetAttr(MODIFIED_NOW, 0), reply)).isZero();
  }

  @Test
  void itsFileSystemIsFull() {
    assertThat(file(true).answer(new Operation.StatFs(), reply)).isZero();
    assertThat(reply.position()).isEqualTo(80);
    assertThat(reply.getLong(0)).isEqualTo(256);
    assertThat(reply.getLong(8)).isZero();
  }

  @Test
  void whatIsUnknownIsNotImplemented() {
    assertThat(file(true).answer(new Operation.Unknown(1), reply)).isEqualTo(Errno.ENOSYS.number());
  }
}
