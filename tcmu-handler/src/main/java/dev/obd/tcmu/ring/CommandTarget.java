package dev.obd.tcmu.ring;

import dev.obd.tcmu.scsi.CommandDone;
import java.nio.ByteBuffer;
import java.util.List;

/** Carries commands out. */
@FunctionalInterface
public interface CommandTarget {
  /**
   * Starts a command. Does not wait and does not throw.
   *
   * @param cdb the command descriptor block; the target's until done
   * @param data the command's buffers in order, direct; the target's until done
   * @param done hears its end, perhaps before this returns
   */
  void submit(byte[] cdb, List<ByteBuffer> data, CommandDone done);
}
