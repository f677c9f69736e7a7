package dev.obd.format.ext4;

import dev.obd.format.files.Extent;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.Inode;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.util.List;

/**
 * Reads an ext2, ext3 or ext4 file system on a disk. Does not write, does not verify metadata
 * checksums and does not replay the journal.
 *
 * <p>Not supported, each with a {@link FormatException} that says so: a journal that needs recovery
 * (unless asked for), an external journal, compressed or encrypted files.
 */
public final class Ext4Reader extends FileSystemReader {
  private static final long ROOT = 2;

  private final Volume volume;

  private Ext4Reader(Volume volume) {
    super(volume.disk());
    this.volume = volume;
  }

  /** True if the disk has the magic number of ext2, ext3 and ext4 where they have it. */
  public static boolean isExt4(BlockSource disk) throws IOException {
    return Superblock.isPresent(disk);
  }

  /**
   * Opens the file system on {@code disk}.
   *
   * @throws FormatException if there is none, or it is damaged, not supported or was not unmounted
   */
  public static Ext4Reader open(BlockSource disk) throws IOException {
    Ext4Reader reader = openWithoutRecovery(disk);
    Superblock superblock = reader.volume.superblock();
    if ((superblock.incompat() & Superblock.INCOMPAT_RECOVER) != 0) {
      throw reader.volume.bad(
          Superblock.AT + 0x60,
          "s_feature_incompat",
          "a file system that was unmounted",
          "a journal that needs recovery");
    }
    return reader;
  }

  /** As {@link #open}, but what is only in the journal is not seen if there is something. */
  public static Ext4Reader openWithoutRecovery(BlockSource disk) throws IOException {
    return new Ext4Reader(new Volume(disk, Superblock.read(disk)));
  }

  /** Block size in bytes. */
  public int blockSize() {
    return volume.blockSize();
  }

  @Override
  public String type() {
    return "ext4";
  }

  @Override
  public Inode root() throws IOException {
    return inode(ROOT);
  }

  @Override
  public Inode inode(long number) throws IOException {
    return Ext4Inode.read(volume, number);
  }

  @Override
  protected void entries(Inode directory, EntryVisitor visitor) throws IOException {
    Ext4Inode inode = own(directory);
    new Directory(volume, inode).forEach(extents(inode), visitor);
  }

  @Override
  public List<Extent> extents(Inode of, int most) throws IOException {
    Ext4Inode inode = own(of);
    if (inode.has(Ext4Inode.FLAG_ENCRYPTED) || inode.has(Ext4Inode.FLAG_COMPRESSED)) {
      throw volume.bad(
          inode.offset() + 0x20, "i_flags", "neither encrypted nor compressed", "one of them");
    }
    if (inode.has(Ext4Inode.FLAG_INLINE_DATA)) {
      return InlineData.extents(volume, inode);
    }
    var list = new ExtentList(volume, inode, most);
    switch (inode.type()) {
      case SYMLINK -> {
        if (!inode.has(Ext4Inode.FLAG_EXTENTS) && inode.size() < Ext4Inode.BLOCK_LENGTH) {
          return inode.size() == 0
              ? List.of()
              : List.of(new Extent(0, inode.offset() + Ext4Inode.BLOCK_AT, inode.size()));
        }
        blocks(inode, list);
      }
      case REGULAR, DIRECTORY -> blocks(inode, list);
      case FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> {}
    }
    return list.list();
  }

  private void blocks(Ext4Inode inode, ExtentList list) throws IOException {
    if (inode.has(Ext4Inode.FLAG_EXTENTS)) {
      new ExtentTree(volume, inode, list).walk();
    } else {
      new IndirectBlocks(volume, inode, list).walk();
    }
  }

  private static Ext4Inode own(Inode inode) {
    if (inode instanceof Ext4Inode own) {
      return own;
    }
    throw new IllegalArgumentException(inode + " is of another file system");
  }
}
