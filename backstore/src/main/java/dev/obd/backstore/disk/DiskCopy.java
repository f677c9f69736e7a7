package dev.obd.backstore.disk;

import dev.obd.io.PendingFile;
import dev.obd.io.PendingFile.Existing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.Optional;

/** Copies a raw disk as cheaply as its file system can, holes as holes. */
public final class DiskCopy {
  /** How a disk was copied. */
  public enum Method {
    /** The copy shares the blocks of the original until one of them is written. */
    REFLINK,
    /** The data was copied, the holes were not. */
    SPARSE_COPY
  }

  private static final int BUFFER = 1 << 20;

  private DiskCopy() {}

  /**
   * Copies {@code from} to {@code to}, which appears whole and on stable storage, or not at all.
   *
   * @param sizeBytes of the copy, at least the original's: what is beyond is a hole
   * @throws java.nio.file.FileAlreadyExistsException if {@code to} exists and is to be kept
   */
  public static Method copy(Path from, Path to, long sizeBytes, Existing existing)
      throws IOException {
    try (PendingFile pending = PendingFile.create(to, existing)) {
      Method method = reflink(from, pending) ? Method.REFLINK : sparse(from, pending.channel());
      FileChannel channel = pending.channel();
      if (channel.size() < sizeBytes) {
        channel.write(ByteBuffer.allocate(1), sizeBytes - 1);
      }
      pending.commit();
      sync(pending.path());
      return method;
    }
  }

  private static boolean reflink(Path from, PendingFile to) throws IOException {
    Optional<FileCalls> source = FileCalls.read(from);
    if (source.isEmpty()) {
      return false;
    }
    try (FileCalls original = source.get();
        FileCalls copy = FileCalls.write(to.temporary()).orElseThrow()) {
      return copy.cloneFrom(original);
    }
  }

  private static Method sparse(Path from, FileChannel to) throws IOException {
    try (FileChannel source = FileChannel.open(from, StandardOpenOption.READ)) {
      Optional<FileCalls> calls = FileCalls.read(from);
      if (calls.isEmpty()) {
        zeroSkipping(source, to, 0, source.size());
      } else {
        try (FileCalls holes = calls.get()) {
          data(source, holes, to);
        }
      }
      if (to.size() < source.size()) { // it ends in a hole
        to.write(ByteBuffer.allocate(1), source.size() - 1);
      }
      return Method.SPARSE_COPY;
    }
  }

  private static void data(FileChannel source, FileCalls holes, FileChannel to) throws IOException {
    long size = source.size();
    long end = 0;
    long at = holes.nextData(0);
    while (at >= 0 && at < size) {
      end = holes.nextHole(at);
      if (end <= at) { // a file system that knows of no holes
        zeroSkipping(source, to, at, size);
        return;
      }
      transfer(source, at, end - at, to);
      at = holes.nextData(end);
    }
    if (at < 0 && end < size && holes.nextHole(end) != end) {
      zeroSkipping(source, to, end, size); // it failed, which is not to say that there is no data
    }
  }

  /** Inside the kernel, where it can. */
  private static void transfer(FileChannel source, long at, long length, FileChannel to)
      throws IOException {
    to.position(at);
    for (long done = 0; done < length; ) {
      long n = source.transferTo(at + done, length - done, to);
      if (n <= 0) {
        throw new IOException("the original became shorter while it was copied");
      }
      done += n;
    }
  }

  private static void zeroSkipping(FileChannel source, FileChannel to, long from, long end)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
    ByteBuffer zeros = ByteBuffer.allocateDirect(BUFFER);
    for (long at = from; at < end; ) {
      buffer.clear().limit((int) Math.min(BUFFER, end - at));
      while (buffer.hasRemaining()) {
        if (source.read(buffer, at + buffer.position()) < 0) {
          throw new IOException("the original became shorter while it was copied");
        }
      }
      buffer.flip();
      int length = buffer.remaining();
      if (buffer.mismatch(zeros.duplicate().limit(length)) >= 0) {
        while (buffer.hasRemaining()) {
          to.write(buffer, at + buffer.position());
        }
      }
      at += length;
    }
  }

  /** Bytes of data in {@code file}, holes not counted. */
  static long dataBytes(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      Optional<FileCalls> calls = FileCalls.read(file);
      if (calls.isEmpty()) {
        return channel.size();
      }
      long data = 0;
      try (FileCalls holes = calls.get()) {
        for (long at = holes.nextData(0); at >= 0; ) {
          long end = holes.nextHole(at);
          if (end <= at) {
            return channel.size();
          }
          data += end - at;
          at = holes.nextData(end);
        }
      }
      return data;
    }
  }

  static void sync(Path file) throws IOException {
    Path directory =
        Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a directory");
    try (FileChannel itself = FileChannel.open(directory, StandardOpenOption.READ)) {
      itself.force(true);
    }
  }
}
