package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.Request;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** The commands that change the disk and are no WRITE: WRITE SAME, UNMAP, COMPARE AND WRITE. */
final class Changes {
  private static final int PROTECTION = 0xE0;
  private static final int FUA = 0x08;
  private static final int ANCHOR = 0x10; // of WRITE SAME
  private static final int UNMAP = 0x08;
  private static final int OBSOLETE = 0x06; // PBDATA, LBDATA: block numbers as data
  private static final int NO_DATA = 0x01; // of WRITE SAME(16)
  private static final int UNMAP_ANCHOR = 0x01;
  private static final int UNMAP_HEADER = 8;
  private static final int UNMAP_DESCRIPTOR = 16;

  private final Service service;

  Changes(Service service) {
    this.service = service;
  }

  void writeSame(Command command, boolean sixteen, Executor threads) throws Refusal {
    service.refuseIfReadOnly();
    Cdb cdb = command.cdb();
    DataBuffers data = command.data();
    boolean unmap = cdb.bit(1, UNMAP);
    if (cdb.bit(1, PROTECTION | ANCHOR | OBSOLETE)) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    Blocks blocks = Blocks.of(service.device(), cdb.lba(), cdb.blocks());
    if (cdb.blocks() == 0 || cdb.blocks() > Limits.WRITE_SAME_BLOCKS) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    // Initiators leave out the block when they unmap, and do not always say so.
    boolean noData = (sixteen && cdb.bit(1, NO_DATA)) || (unmap && data.length() == 0);
    if (!noData && data.length() < Blocks.BYTES) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    byte[] block = noData ? new byte[Blocks.BYTES] : data.first(Blocks.BYTES);
    long moved = noData ? 0 : Blocks.BYTES;
    if (Blocks.isZero(block)) {
      Request request =
          unmap
              ? new Request.Discard(blocks.offset(), blocks.length(), false)
              : new Request.WriteZeroes(blocks.offset(), blocks.length(), false, false);
      service.submitChange(command, moved, List.of(request), threads);
      return;
    }
    service.laterChange(
        command,
        threads,
        steps ->
            service.withBuffer(buffer -> {
              while (buffer.hasRemaining()) {
                buffer.put(block);
              }
              for (long at = 0; at < blocks.length(); at += buffer.capacity()) {
                buffer.clear().limit((int) Math.min(buffer.capacity(), blocks.length() - at));
                steps.write(blocks.offset() + at, buffer, false);
              }
              return ScsiResult.good(moved);
            }));
  }

  void unmap(Command command, Executor threads) throws Refusal {
    service.refuseIfReadOnly();
    Cdb cdb = command.cdb();
    if (cdb.bit(1, UNMAP_ANCHOR)) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    int length = cdb.u16(7);
    List<Request> requests =
        length == 0 ? List.of() : discards(command.data().first(length), length);
    switch (requests.size()) {
      case 0 -> command.answer(ScsiResult.good(length));
      case 1 -> service.submitChange(command, length, requests, threads);
      default ->
          service.laterChange(
              command,
              threads,
              steps -> {
                for (Request request : requests) {
                  steps.run(request, Direction.OUT);
                }
                return ScsiResult.good(length);
              });
    }
  }

  /** What the parameter list asks for; all of it is checked before any of it is done. */
  private List<Request> discards(byte[] list, int length) throws Refusal {
    if (list.length < length || length < UNMAP_HEADER) {
      throw new Refusal(Sense.PARAMETER_LIST_LENGTH);
    }
    var in = ByteBuffer.wrap(list);
    int bytes = in.getShort(2) & 0xFFFF;
    if (bytes > length - UNMAP_HEADER) {
      throw new Refusal(Sense.PARAMETER_LIST_LENGTH);
    }
    int count = bytes / UNMAP_DESCRIPTOR; // a part of a descriptor is no descriptor
    if (count > Limits.UNMAP_DESCRIPTORS) {
      throw new Refusal(Sense.INVALID_PARAMETER);
    }
    var requests = new ArrayList<Request>(count);
    long all = 0;
    for (int i = 0; i < count; i++) {
      int at = UNMAP_HEADER + i * UNMAP_DESCRIPTOR;
      long blockCount = in.getInt(at + 8) & 0xFFFF_FFFFL;
      Blocks blocks = Blocks.of(service.device(), in.getLong(at), blockCount);
      all += blockCount;
      if (blockCount > 0) {
        requests.add(new Request.Discard(blocks.offset(), blocks.length(), false));
      }
    }
    if (all > Limits.UNMAP_BLOCKS) {
      throw new Refusal(Sense.INVALID_PARAMETER);
    }
    return requests;
  }

  void compareAndWrite(Command command, Executor threads) throws Refusal {
    service.refuseIfReadOnly();
    Cdb cdb = command.cdb();
    DataBuffers data = command.data();
    int count = cdb.u8(13);
    if (cdb.bit(1, PROTECTION) || count > Limits.COMPARE_AND_WRITE_BLOCKS) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    Blocks blocks = Blocks.of(service.device(), cdb.u64(2), count);
    if (data.length() < 2 * blocks.length()) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    if (count == 0) {
      command.answer(ScsiResult.good(0));
      return;
    }
    boolean fua = cdb.bit(1, FUA);
    service.later(
        command,
        threads,
        steps ->
            service.withBuffer(buffer -> {
              compare(steps, data, blocks, buffer); // brings it near while others may write
              service.gate().enterAlone();
              try {
                compare(steps, data, blocks, buffer);
                buffer.clear().limit(Blocks.BYTES);
                data.get(blocks.length(), buffer);
                steps.write(blocks.offset(), buffer.flip(), fua);
              } finally {
                service.gate().leaveAlone();
              }
              return ScsiResult.good(2 * blocks.length());
            }));
  }

  private static void compare(Steps steps, DataBuffers data, Blocks blocks, ByteBuffer buffer)
      throws Refusal {
    steps.read(blocks.offset(), buffer.clear().limit(Blocks.BYTES));
    int different = buffer.flip().mismatch(ByteBuffer.wrap(data.first(Blocks.BYTES)));
    if (different >= 0) {
      throw new Refusal(Sense.MISCOMPARE.withInformation(different));
    }
  }
}
