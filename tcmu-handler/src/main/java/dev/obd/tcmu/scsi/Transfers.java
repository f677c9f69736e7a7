package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.Request;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * READ and WRITE. Data in one buffer, or in a few large ones, moves between the disk and the
 * buffers directly, all at once; data in many pieces goes through a buffer, step by step.
 */
final class Transfers {
  private static final int MOST_DIRECT = 8;
  private static final int LEAST_DIRECT = 32 << 10;
  private static final int PROTECTION = 0xE0;
  private static final int FUA = 0x08;

  private final Service service;

  Transfers(Service service) {
    this.service = service;
  }

  void read(Command command, Executor threads) throws Refusal {
    Blocks blocks = blocks(command.cdb());
    DataBuffers data = command.data();
    long bytes = Math.min(blocks.length(), data.length());
    data.clearFrom(bytes);
    if (bytes == 0) {
      command.answer(ScsiResult.good(0));
      return;
    }
    boolean fromMedium = fua(command.cdb()) && service.device().writable();
    List<ByteBuffer> buffers = fromMedium ? List.of() : direct(data, bytes);
    if (buffers.isEmpty()) {
      service.later(
          command,
          threads,
          steps -> {
            if (fromMedium) {
              steps.flush();
            }
            return inSteps(steps, Direction.IN, data, blocks.offset(), bytes);
          });
      return;
    }
    if (buffers.size() == 1) {
      var request = new Request.Read(blocks.offset(), buffers.getFirst());
      service.submit(command, Direction.IN, bytes, List.of(request), threads);
      return;
    }
    var requests = new ArrayList<Request>(buffers.size());
    long at = blocks.offset();
    for (ByteBuffer buffer : buffers) {
      requests.add(new Request.Read(at, buffer));
      at += buffer.remaining();
    }
    service.submit(command, Direction.IN, bytes, requests, threads);
  }

  void write(Command command, Executor threads) throws Refusal {
    service.refuseIfReadOnly();
    Blocks blocks = blocks(command.cdb());
    DataBuffers data = command.data();
    long bytes = blocks.length();
    if (data.length() < bytes) {
      throw new Refusal(Sense.INVALID_FIELD); // nobody knows what the rest should be
    }
    if (bytes == 0) {
      command.answer(ScsiResult.good(0));
      return;
    }
    boolean fua = fua(command.cdb());
    List<ByteBuffer> buffers = direct(data, bytes);
    if (buffers.isEmpty() || (fua && buffers.size() > 1)) { // one flush for all
      service.laterChange(
          command,
          threads,
          steps -> {
            ScsiResult result = inSteps(steps, Direction.OUT, data, blocks.offset(), bytes);
            if (fua) {
              steps.flush();
            }
            return result;
          });
      return;
    }
    var requests = new ArrayList<Request>(buffers.size());
    long at = blocks.offset();
    for (ByteBuffer buffer : buffers) {
      requests.add(new Request.Write(at, buffer, fua));
      at += buffer.remaining();
    }
    service.submitChange(command, bytes, requests, threads);
  }

  private Blocks blocks(Cdb cdb) throws Refusal {
    if (cdb.length() > 6 && cdb.bit(1, PROTECTION)) {
      throw new Refusal(Sense.INVALID_FIELD); // there is no protection information
    }
    return Blocks.of(service.device(), cdb.lba(), cdb.blocks());
  }

  private static boolean fua(Cdb cdb) {
    return cdb.length() > 6 && cdb.bit(1, FUA);
  }

  /** The first {@code bytes} as few large buffers; empty if they are more, or too small. */
  private static List<ByteBuffer> direct(DataBuffers data, long bytes) {
    ByteBuffer whole = data.whole(bytes);
    if (whole != null) {
      return List.of(whole);
    }
    var runs = new ArrayList<ByteBuffer>(MOST_DIRECT);
    for (long at = 0; at < bytes; ) {
      ByteBuffer run = data.run(at, bytes - at, (int) Math.min(LEAST_DIRECT, bytes - at));
      if (run == null || runs.size() == MOST_DIRECT) {
        return List.of();
      }
      runs.add(run);
      at += run.remaining();
    }
    return runs;
  }

  private ScsiResult inSteps(
      Steps steps, Direction direction, DataBuffers data, long offset, long bytes) throws Refusal {
    return service.withBuffer(bounce -> {
      for (long at = 0; at < bytes; ) {
        at += step(steps, direction, data, at, bytes - at, offset + at, bounce);
      }
      return ScsiResult.good(bytes);
    });
  }

  /** Moves some of the {@code left} bytes between {@code at} in the data and the disk; how many. */
  private static int step(
      Steps steps,
      Direction direction,
      DataBuffers data,
      long at,
      long left,
      long offset,
      ByteBuffer bounce)
      throws Refusal {
    ByteBuffer run = data.run(at, left, LEAST_DIRECT);
    ByteBuffer buffer =
        run != null ? run : bounce.clear().limit((int) Math.min(bounce.capacity(), left));
    int bytes = buffer.remaining();
    switch (direction) {
      case IN -> {
        steps.read(offset, buffer);
        if (run == null) {
          data.put(at, bounce.flip());
        }
      }
      case OUT -> {
        if (run == null) {
          data.get(at, bounce);
          bounce.flip();
        }
        steps.write(offset, buffer, false);
      }
    }
    return bytes;
  }
}
