package dev.obd.fuse;

import dev.obd.nativeio.Errno;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.function.LongSupplier;

/**
 * The file as the kernel sees it without asking the device: attributes and open. Immutable.
 *
 * <p>The content is cached by the kernel (no {@code FOPEN_DIRECT_IO}) and stays cached when the
 * file is opened again ({@code FOPEN_KEEP_CACHE}): a read-only disk does not change, and a writable
 * one changes only through this file. Whoever wants no second copy in memory, as a loop device,
 * opens it with {@code O_DIRECT} and gets past the cache. Written data is never held back: each
 * {@code write(2)} is a WRITE.
 *
 * @param length the disk's size in bytes, as it is now
 * @param changed the time stamp of everything
 */
record OneFile(LongSupplier length, boolean writable, int user, int group, Instant changed) {
  /** The handle of a file that was opened for writing. */
  static final long WRITER = 1;

  private static final long READER = 0;
  private static final int REGULAR_FILE = 0100000;

  /** Attributes change only when the kernel is told ({@link Session#sizeChanged}). */
  private static final long VALID_SECONDS = 365L * 24 * 3600;

  private static final int BLOCK_BYTES = 4096;
  private static final int SECTOR_BYTES = 512;
  private static final int MAX_NAME_BYTES = 255;

  private static final int ACCESS_MODE = 3; // O_RDONLY, O_WRONLY, O_RDWR
  private static final int FOPEN_KEEP_CACHE = 2;

  private static final int FATTR_MODE = 1;
  private static final int FATTR_UID = 1 << 1;
  private static final int FATTR_GID = 1 << 2;
  private static final int FATTR_SIZE = 1 << 3;

  private long size() {
    return length.getAsLong();
  }

  /**
   * Answers what needs no device.
   *
   * @param reply receives the payload from its position on
   * @return 0 or the positive error number
   */
  int answer(Operation operation, ByteBuffer reply) {
    return switch (operation) {
      case Operation.GetAttr() -> attributes(reply);
      case Operation.SetAttr(int valid, long newSize) -> setAttributes(valid, newSize, reply);
      case Operation.Open(int flags) -> open(flags, reply);
      case Operation.StatFs() -> statFs(reply);
      case Operation.Release() -> 0;
      case Operation.Invalid _ -> Errno.EINVAL.number();
      // The kernel remembers this and does not ask again.
      case Operation.Unknown _ -> Errno.ENOSYS.number();
      case Operation.Read _,
          Operation.Write _,
          Operation.Flush _,
          Operation.Fsync _,
          Operation.Fallocate _,
          Operation.Seek _,
          Operation.Silent _ ->
          throw new IllegalArgumentException("not answered here: " + operation);
    };
  }

  private int setAttributes(int valid, long newSize, ByteBuffer reply) {
    boolean sameSize = (valid & FATTR_SIZE) == 0 || newSize == size();
    boolean others = (valid & (FATTR_MODE | FATTR_UID | FATTR_GID)) != 0;
    // Times are taken and forgotten, so that tools which set them after a copy do not fail.
    return sameSize && !others ? attributes(reply) : Errno.EPERM.number();
  }

  private int open(int flags, ByteBuffer reply) {
    boolean toWrite = (flags & ACCESS_MODE) != 0;
    if (toWrite && !writable) {
      return Errno.EROFS.number();
    }
    reply.putLong(toWrite ? WRITER : READER).putInt(FOPEN_KEEP_CACHE).putInt(0);
    return 0;
  }

  /** {@code struct fuse_attr_out}: validity, then {@code struct fuse_attr}. */
  private int attributes(ByteBuffer reply) {
    long seconds = changed.getEpochSecond();
    int nanos = changed.getNano();
    reply.putLong(VALID_SECONDS).putInt(0).putInt(0);
    reply.putLong(1); // inode
    long size = size();
    reply.putLong(size).putLong(size / SECTOR_BYTES);
    for (int i = 0; i < 3; i++) { // accessed, modified, changed
      reply.putLong(seconds);
    }
    for (int i = 0; i < 3; i++) {
      reply.putInt(nanos);
    }
    // For the owner alone: a disk may hold other people's secrets.
    reply.putInt(REGULAR_FILE | (writable ? 0600 : 0400));
    reply.putInt(1).putInt(user).putInt(group);
    reply.putInt(0).putInt(BLOCK_BYTES).putInt(0); // device, block size, flags
    return 0;
  }

  /** {@code struct fuse_kstatfs}: a full file system of one file. */
  private int statFs(ByteBuffer reply) {
    reply.putLong(size() / BLOCK_BYTES).putLong(0).putLong(0); // blocks, free, available
    reply.putLong(1).putLong(0); // files, free
    reply.putInt(BLOCK_BYTES).putInt(MAX_NAME_BYTES).putInt(BLOCK_BYTES).putInt(0);
    for (int i = 0; i < 6; i++) {
      reply.putInt(0);
    }
    return 0;
  }
}
