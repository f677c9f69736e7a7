package dev.obd.format.zfile;

import dev.obd.format.crc.RawCrc32c;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;

/** Some blocks on their way through a {@link ZFileWriter}: filled, compressed, written, reused. */
final class BlockGroup {
  private static final int TARGET_BYTES = 256 << 10;

  private final BlockCodec codec;
  private final int blockBytes;
  private final boolean verify;
  private final ByteBuffer input;
  private final ByteBuffer output;
  private final ByteBuffer lengths;
  private FutureTask<Void> compression = new FutureTask<>(this::compress, null);

  BlockGroup(ZFileWriterOptions options) {
    codec = BlockCodec.of(options.algorithm());
    blockBytes = options.blockBytes();
    verify = options.verify();
    int blocks = TARGET_BYTES / blockBytes;
    input = ByteBuffer.allocate(blocks * blockBytes);
    output =
        ByteBuffer.allocate(blocks * (blockBytes + BlockCodec.MAX_GROWTH + ZFile.CRC_BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    lengths = ByteBuffer.allocate(blocks * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  void clear() {
    input.clear();
    output.clear();
    lengths.clear();
    compression = new FutureTask<>(this::compress, null);
  }

  /** Takes what fits of {@code src}. */
  void fill(ByteBuffer src) {
    int n = Math.min(src.remaining(), input.remaining());
    input.put(input.position(), src, src.position(), n);
    input.position(input.position() + n);
    src.position(src.position() + n);
  }

  boolean isFull() {
    return !input.hasRemaining();
  }

  boolean isEmpty() {
    return input.position() == 0;
  }

  void compressOn(Executor executor) {
    try {
      executor.execute(compression);
    } catch (RejectedExecutionException e) {
      // No worker has time: await() compresses on the writing thread.
    }
  }

  /** Gives up; a worker that is at it finishes unheard. */
  void cancel() {
    compression.cancel(false);
  }

  /**
   * Waits for the compression; does it itself if no worker has begun, so a full pool is no
   * deadlock.
   */
  void await() throws IOException {
    compression.run();
    try {
      compression.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      var interrupted = new InterruptedIOException("interrupted while compressing");
      interrupted.initCause(e);
      throw interrupted;
    } catch (ExecutionException e) {
      throw new IOException("compression failed: " + e.getCause(), e);
    }
  }

  /** The stored blocks, checksums included. */
  ByteBuffer output() {
    return output.flip();
  }

  /** The stored length of each block, as the jump table has it. */
  ByteBuffer lengths() {
    return lengths.flip();
  }

  private void compress() {
    input.flip();
    for (int at = 0; at < input.limit(); at += blockBytes) {
      int length = Math.min(blockBytes, input.limit() - at);
      int start = output.position();
      int compressed = codec.compress(input.array(), at, length, output.array(), start);
      output.position(start + compressed);
      if (verify) {
        output.putInt(RawCrc32c.of(ZFile.BLOCK_CRC_SEED, output.array(), start, compressed));
      }
      lengths.putInt(output.position() - start);
    }
  }
}
