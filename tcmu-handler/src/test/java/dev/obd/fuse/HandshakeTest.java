package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class HandshakeTest {
  private static ByteBuffer init(int major, int minor, int flags) {
    ByteBuffer body = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
    return body.putInt(0, major)
        .putInt(4, minor)
        .putInt(8, 131072)
        .putInt(12, flags)
        .putInt(16, -1);
  }

  private static ByteBuffer reply() {
    return ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
  }

  @Test
  void agreesOnOneMebibyteAndManyRequestsAtOnce() throws IOException {
    ByteBuffer reply = reply();
    assertThat(Handshake.answer(init(7, 45, -1), reply)).isTrue();
    assertThat(reply.position()).isEqualTo(64);
    assertThat(reply.getInt(0)).isEqualTo(7);
    assertThat(reply.getInt(4)).isEqualTo(43);
    assertThat(reply.getInt(8)).isEqualTo(131072);
    assertThat(reply.getInt(12)).isEqualTo(1 | 1 << 5 | 1 << 15 | 1 << 22 | 1 << 30);
    assertThat(reply.getShort(16)).isEqualTo((short) 256);
    assertThat(reply.getInt(20)).isEqualTo(1 << 20);
    assertThat(reply.getShort(28)).isEqualTo((short) 256);
  }

  @Test
  void asksTheKernelToEndAConnectionThatNobodyAnswers() throws IOException {
    ByteBuffer reply = reply();
    Handshake.answer(init(7, 45, -1), reply);
    assertThat(reply.getInt(32)).isEqualTo(1 << 10);
    assertThat(reply.getShort(40)).isEqualTo((short) 600);
  }

  @Test
  void wantsNothingThatWasNotOffered() throws IOException {
    ByteBuffer reply = reply();
    Handshake.answer(init(7, 31, 1), reply);
    assertThat(reply.getInt(4)).isEqualTo(31);
    assertThat(reply.getInt(12)).isEqualTo(1);
    assertThat(reply.getInt(32)).isZero();
  }

  @Test
  void aNewerMajorVersionIsAskedToSpeakOurs() throws IOException {
    ByteBuffer reply = reply();
    assertThat(Handshake.answer(init(8, 0, -1), reply)).isFalse();
    assertThat(reply.getInt(0)).isEqualTo(7);
    assertThat(reply.getInt(12)).isZero();
  }

  @Test
  void anOldKernelIsRefusedWithTheReason() {
    assertThatThrownBy(() -> Handshake.answer(init(7, 27, -1), reply()))
        .hasMessageContaining("7.28")
        .hasMessageContaining("got 7.27");
    assertThatThrownBy(() -> Handshake.answer(ByteBuffer.allocate(8), reply()))
        .hasMessageContaining("got 8");
  }
}
