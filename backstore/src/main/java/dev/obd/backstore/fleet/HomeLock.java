package dev.obd.backstore.fleet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second process from serving the same home. Ends with its process. */
final class HomeLock implements Closeable {
  private final FileChannel channel;

  private HomeLock(FileChannel channel) {
    this.channel = channel;
  }

  static HomeLock take(Path state) throws IOException {
    Path file = Files.createDirectories(state).resolve("lock");
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return new HomeLock(channel);
      }
    } catch (OverlappingFileLockException e) {
      // Of this process: just the same.
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new FleetException(
        FleetException.Kind.CONFLICT, file + ": another process serves the devices of this home");
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
