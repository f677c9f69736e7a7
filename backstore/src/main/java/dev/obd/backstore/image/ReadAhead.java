package dev.obd.backstore.image;

import dev.obd.io.Range;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Brings a part of a local file into the system's page cache: reads it once and throws it away. The
 * file may lie on another machine, so that is worth it; it is a hint, and what fails is only
 * logged.
 */
final class ReadAhead implements Closeable {
  private static final Logger log = LogManager.getLogger(ReadAhead.class);
  private static final int PIECE = 1 << 20;

  private volatile boolean closed;

  private ReadAhead() {}

  /** Starts and returns at once; closing ends it after the piece under way. */
  static ReadAhead start(Path file, Range range, Executor executor) {
    var ahead = new ReadAhead();
    try {
      executor.execute(() -> ahead.run(file, range));
    } catch (RejectedExecutionException e) {
      ahead.closed = true;
    }
    return ahead;
  }

  private void run(Path file, Range range) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
      long at = range.offset();
      int n = 0;
      for (; at < range.end() && n >= 0 && !closed; at += n) {
        piece.clear().limit((int) Math.min(PIECE, range.end() - at));
        n = channel.read(piece, at);
      }
      log.debug("readahead.ended file={} offset={} to={}", file, range.offset(), at);
    } catch (IOException e) {
      log.warn("readahead.failed file={} reason={}", file, e.toString());
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
