package dev.obd.fuse;

import java.nio.ByteBuffer;

/**
 * Reads the body of a request. Fields that are not named here are not looked at.
 *
 * <pre>
 * opcode              body, offsets from its start              bytes
 *  2 FORGET           -                                             8
 *  3 GETATTR          -                                            16
 *  4 SETATTR          0 u32 valid, 16 u64 size                     88
 * 14 OPEN             0 u32 flags                                   8
 * 15 READ             8 u64 offset, 16 u32 size                    40
 * 16 WRITE            8 u64 offset, 16 u32 size, 40 data           40 + size
 * 17 STATFS           -                                             0
 * 18 RELEASE          -                                            24
 * 20 FSYNC            -                                            16
 * 25 FLUSH            0 u64 handle                                 24
 * 26 INIT             see {@link Handshake}
 * 36 INTERRUPT        -                                             8
 * 38 DESTROY          -                                             0
 * 42 BATCH_FORGET     -                                             8 + 16 each
 * 43 FALLOCATE        8 u64 offset, 16 u64 length, 24 u32 mode     32
 * 46 LSEEK            8 u64 offset, 16 u32 whence                  24
 * </pre>
 *
 * Source: Linux uapi {@code linux/fuse.h}, protocol 7.38.
 */
final class OperationDecoder {
  static final int INIT = 26;

  /** The most data that one READ or WRITE carries; what {@link Handshake} agrees on. */
  static final int MAX_DATA_BYTES = 1 << 20;

  /** A WRITE's body without its data. */
  static final int WRITE_BODY_BYTES = 40;

  private static final long ROOT = 1;
  private static final int FORGET = 2;
  private static final int GETATTR = 3;
  private static final int SETATTR = 4;
  private static final int OPEN = 14;
  private static final int READ = 15;
  private static final int WRITE = 16;
  private static final int STATFS = 17;
  private static final int RELEASE = 18;
  private static final int FSYNC = 20;
  private static final int FLUSH = 25;
  private static final int INTERRUPT = 36;
  private static final int DESTROY = 38;
  private static final int BATCH_FORGET = 42;
  private static final int FALLOCATE = 43;
  private static final int LSEEK = 46;

  private OperationDecoder() {}

  /**
   * @param request a whole request, from index 0 to its limit
   * @param header its header
   */
  static Operation decode(RequestHeader header, ByteBuffer request) {
    int body = request.limit() - RequestHeader.BYTES;
    int need = bodyBytes(header.opcode());
    if (header.length() != request.limit()) {
      return new Operation.Invalid(
          "length: expected " + request.limit() + ", got " + header.length());
    }
    if (body < need) {
      return new Operation.Invalid(
          "opcode " + header.opcode() + ": body: expected " + need + " bytes, got " + body);
    }
    boolean aboutTheFile = need > 0 && header.opcode() != BATCH_FORGET;
    if (aboutTheFile && header.node() != ROOT && header.opcode() != INTERRUPT) {
      return new Operation.Invalid("node: expected " + ROOT + ", got " + header.node());
    }
    return switch (header.opcode()) {
      case FORGET, BATCH_FORGET, INTERRUPT -> new Operation.Silent();
      case GETATTR -> new Operation.GetAttr();
      case SETATTR -> new Operation.SetAttr(u32(request, 0), u64(request, 16));
      case OPEN -> new Operation.Open(u32(request, 0));
      case READ -> read(u64(request, 8), u32(request, 16));
      case WRITE -> write(u64(request, 8), u32(request, 16), request);
      case STATFS -> new Operation.StatFs();
      case RELEASE, DESTROY -> new Operation.Release();
      case FSYNC -> new Operation.Fsync();
      case FLUSH -> new Operation.Flush(u64(request, 0));
      case FALLOCATE ->
          new Operation.Fallocate(u64(request, 8), u64(request, 16), u32(request, 24));
      case LSEEK -> new Operation.Seek(u64(request, 8), u32(request, 16));
      default -> new Operation.Unknown(header.opcode());
    };
  }

  private static int bodyBytes(int opcode) {
    return switch (opcode) {
      case FORGET, OPEN, INTERRUPT, BATCH_FORGET -> 8;
      case GETATTR, FSYNC -> 16;
      case RELEASE, FLUSH, LSEEK -> 24;
      case FALLOCATE -> 32;
      case READ, WRITE -> WRITE_BODY_BYTES;
      case SETATTR -> 88;
      default -> 0;
    };
  }

  private static Operation read(long offset, int size) {
    if (size < 0 || size > MAX_DATA_BYTES) {
      return new Operation.Invalid("read: size: expected 0.." + MAX_DATA_BYTES + ", got " + size);
    }
    return new Operation.Read(offset, size);
  }

  private static Operation write(long offset, int size, ByteBuffer request) {
    int at = RequestHeader.BYTES + WRITE_BODY_BYTES;
    int got = request.limit() - at;
    if (size < 0 || size != got) {
      return new Operation.Invalid("write: size: expected " + got + ", got " + size);
    }
    return new Operation.Write(offset, request.slice(at, size));
  }

  private static int u32(ByteBuffer request, int at) {
    return request.getInt(RequestHeader.BYTES + at);
  }

  private static long u64(ByteBuffer request, int at) {
    return request.getLong(RequestHeader.BYTES + at);
  }
}
