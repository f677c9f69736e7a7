package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OperationDecoderTest {
  /** A request with {@code body} bytes after the header, all fields consistent. */
  static ByteBuffer request(int opcode, int body) {
    ByteBuffer request = ByteBuffer.allocate(40 + body).order(ByteOrder.nativeOrder());
    return request.putInt(0, 40 + body).putInt(4, opcode).putLong(8, 77).putLong(16, 1);
  }

  private static Operation decode(ByteBuffer request) {
    return OperationDecoder.decode(RequestHeader.of(request), request);
  }

  @Test
  void readsTheFieldsOfEachRequestAtTheirOffsets() {
    ByteBuffer read = request(15, 40).putLong(48, 4096).putInt(56, 512);
    assertThat(decode(read)).isEqualTo(new Operation.Read(4096, 512));
    ByteBuffer seek = request(46, 24).putLong(48, 9).putInt(56, 4);
    assertThat(decode(seek)).isEqualTo(new Operation.Seek(9, 4));
    ByteBuffer hole = request(43, 32).putLong(48, 1).putLong(56, 2).putInt(64, 3);
    assertThat(decode(hole)).isEqualTo(new Operation.Fallocate(1, 2, 3));
    ByteBuffer size = request(4, 88).putInt(40, 8).putLong(56, 99);
    assertThat(decode(size)).isEqualTo(new Operation.SetAttr(8, 99));
    assertThat(decode(request(14, 8).putInt(40, 2))).isEqualTo(new Operation.Open(2));
    assertThat(decode(request(25, 24).putLong(40, 1))).isEqualTo(new Operation.Flush(1));
    assertThat(RequestHeader.of(read).unique()).isEqualTo(77);
  }

  @Test
  void aWriteCarriesItsData() {
    ByteBuffer write = request(16, 40 + 3).putLong(48, 512).putInt(56, 3);
    write.put(80, new byte[] {1, 2, 3});
    assertThat(decode(write))
        .isInstanceOfSatisfying(
            Operation.Write.class,
            w -> assertThat(w.payload()).isEqualTo(ByteBuffer.wrap(new byte[] {1, 2, 3})));
  }

  @Test
  void whatIsNotSpokenHereIsUnknown() {
    assertThat(decode(request(1, 5))).isEqualTo(new Operation.Unknown(1)); // LOOKUP
    assertThat(decode(request(99, 0))).isEqualTo(new Operation.Unknown(99));
  }

  @Test
  void whatNeedsNoAnswerGetsNone() {
    assertThat(decode(request(2, 8))).isEqualTo(new Operation.Silent());
    assertThat(decode(request(42, 24))).isEqualTo(new Operation.Silent());
    assertThat(decode(request(36, 8))).isEqualTo(new Operation.Silent());
  }

  @Test
  void aRequestThatContradictsItselfIsInvalid() {
    assertThat(decode(request(15, 40).putInt(0, 4))).isInstanceOf(Operation.Invalid.class);
    assertThat(decode(request(15, 39).putInt(0, 79))).isInstanceOf(Operation.Invalid.class);
    assertThat(decode(request(15, 40).putInt(56, -1))).isInstanceOf(Operation.Invalid.class);
    assertThat(decode(request(15, 40).putInt(56, (1 << 20) + 1)))
        .isEqualTo(new Operation.Invalid("read: size: expected 0..1048576, got 1048577"));
    assertThat(decode(request(16, 44).putInt(56, 5)))
        .isEqualTo(new Operation.Invalid("write: size: expected 4, got 5"));
    assertThat(decode(request(3, 16).putLong(16, 2)))
        .isEqualTo(new Operation.Invalid("node: expected 1, got 2"));
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, new SplittableRandom().nextLong());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anyBytesAreSomeOperationAndAReadOrWriteStaysInBounds(long seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 20_000; i++) {
      ByteBuffer request = request(random.nextInt(60), random.nextInt(120));
      byte[] noise = new byte[request.capacity() - 40];
      random.nextBytes(noise);
      request.put(40, noise);
      if (random.nextInt(4) == 0) {
        request.put(random.nextInt(request.capacity()), (byte) random.nextInt());
      }
      if (random.nextBoolean() && request.capacity() >= 80) {
        request.putInt(56, random.nextInt(-2, 100));
      }
      switch (decode(request)) {
        case Operation.Read(long _, int size) -> assertThat(size).isBetween(0, 1 << 20);
        case Operation.Write(long _, ByteBuffer data) ->
            assertThat(data.remaining()).isEqualTo(request.capacity() - 80);
        default -> {}
      }
    }
  }
}
