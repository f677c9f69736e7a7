package dev.obd.tcmu.scsi;

import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/** VERIFY: reads blocks, and compares them with the data where it is asked to. */
final class Verification {
  private static final int PROTECTION = 0xE0;
  private static final int READABLE = 0;
  private static final int SAME_AS_DATA = 1;
  private static final int EACH_SAME_AS_BLOCK = 3;

  private final Service service;

  Verification(Service service) {
    this.service = service;
  }

  void start(Command command, Executor threads) throws Refusal {
    Cdb cdb = command.cdb();
    int check = cdb.u8(1) >> 1 & 3;
    if (cdb.bit(1, PROTECTION) || check == 2) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    Blocks blocks = Blocks.of(service.device(), cdb.lba(), cdb.blocks());
    long expected =
        switch (check) {
          case SAME_AS_DATA -> blocks.length();
          case EACH_SAME_AS_BLOCK -> Math.min(blocks.length(), Blocks.BYTES);
          default -> 0;
        };
    if (command.data().length() < expected) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    if (blocks.length() == 0) {
      command.answer(ScsiResult.good(0));
      return;
    }
    service.later(
        command,
        threads,
        steps ->
            service.withBuffer(buffer -> {
              verify(steps, command.data(), blocks, check, buffer);
              return ScsiResult.good(expected);
            }));
  }

  private static void verify(
      Steps steps, DataBuffers data, Blocks blocks, int check, ByteBuffer buffer) throws Refusal {
    ByteBuffer wanted = ByteBuffer.allocate(check == READABLE ? 0 : buffer.capacity());
    for (long at = 0; at < blocks.length(); ) {
      int bytes = (int) Math.min(buffer.capacity(), blocks.length() - at);
      steps.read(blocks.offset() + at, buffer.clear().limit(bytes));
      if (check != READABLE) {
        wanted.clear().limit(bytes);
        if (check == SAME_AS_DATA) {
          data.get(at, wanted);
        } else {
          Blocks.repeat(data, wanted);
        }
        if (!wanted.flip().equals(buffer.flip())) {
          throw new Refusal(Sense.MISCOMPARE);
        }
      }
      at += bytes;
    }
  }
}
