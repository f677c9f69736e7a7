package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

class NoLeaksTest {
  @Test
  void aForgottenBufferIsNoticed() {
    RecordingLeakDetector.reports().clear();
    for (int i = 0; i < 10 && RecordingLeakDetector.reports().isEmpty(); i++) {
      forget();
      System.gc();
      ByteBufAllocator.DEFAULT.directBuffer(8).release();
    }
    assertThat(RecordingLeakDetector.reports()).isNotEmpty();
    RecordingLeakDetector.reports().clear();
  }

  private static void forget() {
    ByteBufAllocator.DEFAULT.directBuffer(8).writeInt(1);
  }
}
