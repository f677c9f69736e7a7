package dev.obd.registry.layout;

import dev.obd.registry.Descriptor;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.RemoteBlob;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/** Ranged reads of a blob that is a file. */
final class FileBlob implements RemoteBlob {
  private final Descriptor descriptor;
  private final Path file;
  private final Object lock = new Object();
  private volatile FileChannel channel; // replaced under lock
  private volatile boolean closed;

  FileBlob(Descriptor descriptor, Path file) throws IOException {
    this.descriptor = descriptor;
    this.file = file;
    channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      if (channel.size() != descriptor.size()) {
        throw new RegistryException(
            Kind.BAD_ANSWER,
            0,
            "%s: size: expected %d, got %d".formatted(file, descriptor.size(), channel.size()),
            null);
      }
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public long size() {
    return descriptor.size();
  }

  @Override
  public String name() {
    return descriptor.digest().toString();
  }

  @Override
  public void read(long offset, ByteBuffer dst, Duration patience) throws IOException {
    if (offset < 0 || offset > size() - dst.remaining()) {
      throw new EOFException(
          "%s: [%d, +%d) is outside its %d bytes"
              .formatted(name(), offset, dst.remaining(), size()));
    }
    ByteBuffer rest = dst.duplicate();
    while (rest.hasRemaining()) {
      FileChannel current = channel;
      long at = offset + (rest.position() - dst.position());
      try {
        if (current.read(rest, at) < 0) {
          throw new RegistryException(
              Kind.BAD_ANSWER, 0, file + ": ended at " + at + " of " + size(), null);
        }
      } catch (ClosedByInterruptException e) {
        throw e; // we were told to stop
      } catch (ClosedChannelException e) {
        reopen(current, e); // another reader was, and that closed the channel for all
      }
    }
    dst.position(rest.position());
  }

  @SuppressWarnings("ReferenceEquality") // is it still the very channel that died?
  private void reopen(FileChannel dead, ClosedChannelException e) throws IOException {
    synchronized (lock) {
      if (closed) {
        throw e;
      }
      if (channel == dead) {
        channel = FileChannel.open(file, StandardOpenOption.READ);
      }
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (lock) {
      closed = true;
      channel.close();
    }
  }
}
