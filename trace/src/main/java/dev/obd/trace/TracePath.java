package dev.obd.trace;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What the file at a configured trace path asks for. The file says so itself: absent, empty, a
 * trace, or a list.
 */
public sealed interface TracePath {
  /** There is nothing to do: no such file, or nothing that can be read. */
  record Disabled() implements TracePath {}

  /** The file is empty: record into it, see {@link Recording}. */
  record Empty(Path file) implements TracePath {}

  /** The file claims to be a trace: {@link TraceFile#read} it and replay. */
  record Recorded(Path file) implements TracePath {}

  /** The file is something else: {@link FileList#read} it. */
  record Listed(Path file) implements TracePath {}

  /** Looks at the file. Never fails: what cannot be looked at is {@link Disabled}. */
  static TracePath detect(Path file) {
    if (!Files.isRegularFile(file)) {
      return new Disabled();
    }
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      if (channel.size() == 0) {
        return new Empty(file);
      }
      ByteBuffer start = ByteBuffer.allocate(TraceFile.HEADER_BYTES);
      while (start.hasRemaining() && channel.read(start) >= 0) {
        // A file shorter than a header is no trace.
      }
      return TraceFile.hasMagic(start.flip()) ? new Recorded(file) : new Listed(file);
    } catch (IOException unreadable) {
      return new Disabled();
    }
  }
}
