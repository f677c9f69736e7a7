package dev.obd.testdata;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The bytes of a blob or manifest: in memory or in a file that nobody changes. */
sealed interface Content {
  long size();

  /** Fills {@code into[0, length)} from {@code offset}. */
  void read(long offset, byte[] into, int length) throws IOException;

  /** All of it, for what is small. */
  default byte[] all() throws IOException {
    var bytes = new byte[Math.toIntExact(size())];
    read(0, bytes, bytes.length);
    return bytes;
  }

  static Content of(byte[] bytes) {
    return new Memory(bytes.clone());
  }

  static Content of(Path file) throws IOException {
    return new Stored(file, Files.size(file));
  }

  final class Memory implements Content {
    private final byte[] bytes;

    private Memory(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void read(long offset, byte[] into, int length) {
      System.arraycopy(bytes, Math.toIntExact(offset), into, 0, length);
    }
  }

  record Stored(Path file, long size) implements Content {
    @Override
    public void read(long offset, byte[] into, int length) throws IOException {
      // Opened per slice: the page cache makes that cheap, and no descriptor outlives its test.
      try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
        var buffer = ByteBuffer.wrap(into, 0, length);
        while (buffer.hasRemaining()) {
          if (channel.read(buffer, offset + buffer.position()) < 0) {
            throw new EOFException(file + " became shorter");
          }
        }
      }
    }
  }
}
