package dev.obd.tcmu.ring;

import java.io.IOException;

/** What a ring asks of the kernel beside the memory that they share. Thread-safe. */
public interface RingKernel {
  /** The tail has moved: there are answers to be read. Does not wait. */
  void ringDoorbell() throws IOException;

  /**
   * False if touching this range of the shared memory would kill the process.
   *
   * @param offset bytes from the start of the memory
   */
  boolean isBacked(long offset, long length);

  /**
   * The command with this number, which was answered while its buffers were still in use, no longer
   * uses them. Does not wait for long.
   */
  void freeKeptBuffers(int command);
}
