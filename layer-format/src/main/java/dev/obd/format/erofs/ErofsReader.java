package dev.obd.format.erofs;

import dev.obd.format.files.Extent;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.Inode;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads an EROFS file system on a disk. Does not verify the superblock's checksum.
 *
 * <p>Not supported, each with a {@link FormatException} that says so: more than 32 bits of block
 * numbers, data on other devices than this one. Of compressed files only {@link #ranges} can be
 * told, and not if parts of them are stored with those of other files.
 */
public final class ErofsReader extends FileSystemReader {
  private final Volume volume;

  private ErofsReader(Volume volume) {
    super(volume.disk());
    this.volume = volume;
  }

  /** True if the disk has the magic number of EROFS where it has it. */
  public static boolean isErofs(BlockSource disk) throws IOException {
    return Superblock.isPresent(disk);
  }

  /**
   * Opens the file system on {@code disk}.
   *
   * @throws FormatException if there is none, or it is damaged or not supported
   */
  public static ErofsReader open(BlockSource disk) throws IOException {
    return new ErofsReader(new Volume(disk, Superblock.read(disk)));
  }

  @Override
  public String type() {
    return "erofs";
  }

  @Override
  public Inode root() throws IOException {
    return inode(volume.superblock().rootNid());
  }

  @Override
  public Inode inode(long number) throws IOException {
    return ErofsInode.read(volume, number);
  }

  @Override
  protected void entries(Inode directory, EntryVisitor visitor) throws IOException {
    ErofsInode inode = own(directory);
    new Directory(volume, inode).forEach(extents(inode), visitor);
  }

  @Override
  public List<Range> ranges(Inode inode, int most) throws IOException {
    ErofsInode own = own(inode);
    return own.compressed()
        ? new CompressedIndex(volume, own, most).ranges()
        : super.ranges(inode, most);
  }

  @Override
  public List<Extent> extents(Inode inode, int most) throws IOException {
    ErofsInode own = own(inode);
    return switch (own.type()) {
      case REGULAR, DIRECTORY, SYMLINK ->
          switch (own.layout()) {
            case PLAIN -> plain(own, own.size());
            case INLINE -> inline(own);
            case CHUNKS -> new Chunks(volume, own, most).extents();
            case COMPRESSED_FULL, COMPRESSED_COMPACT ->
                throw volume.bad(own.offset(), "data of " + own, "content as it is", "compressed");
          };
      case FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> List.of();
    };
  }

  /** The first {@code length} bytes of a file in successive blocks. */
  private List<Extent> plain(ErofsInode inode, long length) throws IOException {
    if (length == 0) {
      return List.of();
    }
    long offset = (inode.place() & 0xFFFF_FFFFL) << volume.superblock().blockBits();
    volume.check(inode.offset() + 0x10, "data of " + inode, offset, length);
    return List.of(new Extent(0, offset, length));
  }

  private List<Extent> inline(ErofsInode inode) throws IOException {
    int mask = volume.blockSize() - 1;
    long tail = inode.size() & mask;
    long blocks = inode.size() - tail;
    List<Extent> extents = new ArrayList<>(plain(inode, blocks));
    if (tail > 0) {
      if ((inode.end() & mask) + tail > volume.blockSize()) {
        throw volume.bad(
            inode.end(), "data behind " + inode, "the rest of a block", tail + " bytes");
      }
      volume.check(inode.offset(), "data behind " + inode, inode.end(), tail);
      extents.add(new Extent(blocks, inode.end(), tail));
    }
    return List.copyOf(extents);
  }

  private static ErofsInode own(Inode inode) {
    if (inode instanceof ErofsInode own) {
      return own;
    }
    throw new IllegalArgumentException(inode + " is of another file system");
  }
}
