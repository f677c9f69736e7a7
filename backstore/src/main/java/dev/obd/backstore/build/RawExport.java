package dev.obd.backstore.build;

import dev.obd.backstore.device.Disk;
import dev.obd.io.ExtentMap;
import dev.obd.io.PendingFile;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/** Writes a disk's bytes: to a file with holes where the disk has none, or to a stream, whole. */
public final class RawExport {
  private static final int PIECE = 4 << 20;
  private static final int IN_FLIGHT = 4;

  private RawExport() {}

  /**
   * Writes {@code disk} to {@code file}, which appears under its name when it is whole and then
   * takes the place of another. Pieces are read at the same time, at most 16 MiB in memory.
   */
  public static void toFile(Disk disk, Path file, ExecutorService executor, Progress progress)
      throws IOException {
    try (PendingFile pending = PendingFile.create(file, PendingFile.Existing.REPLACE)) {
      FileChannel channel = pending.channel();
      Deque<Future<?>> inFlight = new ArrayDeque<>();
      try {
        disk.extents(
            0,
            disk.size(),
            (offset, length, kind) -> {
              for (long at = offset;
                  kind == ExtentMap.Kind.DATA && at < offset + length;
                  at += PIECE) {
                while (inFlight.size() >= IN_FLIGHT) {
                  join(inFlight.removeFirst());
                }
                long from = at;
                int bytes = (int) Math.min(PIECE, offset + length - at);
                inFlight.addLast(executor.submit(() -> copy(disk, from, bytes, channel)));
                progress.at(at, disk.size());
              }
              progress.at(offset + length, disk.size());
              return true;
            });
        while (!inFlight.isEmpty()) {
          join(inFlight.removeFirst());
        }
      } finally {
        // The pieces write to the channel: none may outlive it.
        for (Future<?> piece : inFlight) {
          settle(piece);
        }
      }
      extend(channel, disk.size());
      pending.commit();
    }
  }

  /**
   * A file ends where its last byte was written; a disk that ends in a hole needs its length said.
   */
  private static void extend(FileChannel channel, long size) throws IOException {
    if (channel.size() < size) {
      channel.write(ByteBuffer.allocate(1), size - 1);
    }
  }

  private static Void copy(Disk disk, long offset, int bytes, FileChannel channel)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    disk.read(offset, buffer);
    buffer.flip();
    long at = offset;
    while (buffer.hasRemaining()) {
      at += channel.write(buffer, at);
    }
    return null;
  }

  private static void join(Future<?> piece) throws IOException {
    try {
      piece.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw new IllegalStateException("export", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("export interrupted");
    }
  }

  private static void settle(Future<?> piece) {
    try {
      piece.get();
    } catch (ExecutionException | InterruptedException ignored) {
      // The first failure is already on its way to the caller.
    }
  }

  /** Writes every byte of {@code disk}, zeros included, to {@code out}. */
  public static void toStream(Disk disk, OutputStream out, Progress progress) throws IOException {
    byte[] piece = new byte[PIECE];
    for (long at = 0; at < disk.size(); at += PIECE) {
      int bytes = (int) Math.min(PIECE, disk.size() - at);
      disk.read(at, ByteBuffer.wrap(piece, 0, bytes));
      out.write(piece, 0, bytes);
      progress.at(at + bytes, disk.size());
    }
    out.flush();
  }
}
