package dev.obd.backstore.build;

import dev.obd.backstore.device.Disk;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An opened disk as a source; closing it leaves the disk open. */
final class DiskSource implements BlockSource {
  private final String name;
  private final Disk disk;

  DiskSource(String name, Disk disk) {
    this.name = name;
    this.disk = disk;
  }

  @Override
  public long size() {
    return disk.size();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    BlockSources.checkRange(this, offset, dst.remaining());
    disk.read(offset, dst);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void close() {}
}
