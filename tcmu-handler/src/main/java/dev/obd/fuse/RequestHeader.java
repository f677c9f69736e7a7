package dev.obd.fuse;

import java.nio.ByteBuffer;

/**
 * What every request begins with, {@code struct fuse_in_header}, in the machine's byte order.
 *
 * <pre>
 * offset bytes field
 *      0     4 length of the whole request
 *      4     4 opcode
 *      8     8 unique: the answer repeats it
 *     16     8 node: 1 is the root, which is the file
 *     24     4 user
 *     28     4 group
 *     32     4 process
 *     36     2 length of extensions at the end, in 8 bytes
 *     38     2 padding
 * </pre>
 *
 * Source: Linux uapi {@code linux/fuse.h}, protocol 7.38.
 */
record RequestHeader(int length, int opcode, long unique, long node) {
  static final int BYTES = 40;

  private static final int LENGTH_AT = 0;
  private static final int OPCODE_AT = 4;
  private static final int UNIQUE_AT = 8;
  private static final int NODE_AT = 16;

  /** Reads the header at the start of {@code request}, which holds at least {@link #BYTES}. */
  static RequestHeader of(ByteBuffer request) {
    return new RequestHeader(
        request.getInt(LENGTH_AT),
        request.getInt(OPCODE_AT),
        request.getLong(UNIQUE_AT),
        request.getLong(NODE_AT));
  }
}
