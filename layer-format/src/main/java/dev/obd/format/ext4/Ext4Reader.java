package dev.obd.format.ext4;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads an ext2, ext3 or ext4 file system on a disk without mounting it. Does not write, does not
 * verify metadata checksums and does not replay the journal. The disk is hostile: whatever it
 * holds, a call ends with a result or an {@link IOException}, in memory bounded by a few megabytes
 * plus what it returns, and in time that the disk's size bounds. Thread-safe; the disk stays the
 * caller's to close.
 *
 * <p>Not supported, each with a {@link FormatException} that says so: a journal that needs recovery
 * (unless asked for), an external journal, compressed or encrypted files.
 */
public final class Ext4Reader {
  private static final long ROOT = 2;
  private static final int MAX_LINKS_FOLLOWED = 40; // as the kernel
  private static final int MAX_LINK_LENGTH = 4096;
  private static final int MAX_ENTRIES = 4 << 20;
  private static final int MAX_PATH = 64 << 10;

  private final Volume volume;

  /**
   * A name in a directory.
   *
   * @param name as UTF-8; bytes that are not UTF-8 are replaced
   * @param inode number of what it names
   */
  public record Entry(String name, long inode) {}

  /** Receives what {@link #walk} finds. */
  @FunctionalInterface
  public interface Visitor {
    /** Takes a path, relative to where the walk began, and what it names. */
    void visit(String path, Inode inode) throws IOException;
  }

  private Ext4Reader(Volume volume) {
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

  /** The root directory. */
  public Inode root() throws IOException {
    return inode(ROOT);
  }

  /** The inode with this number. */
  public Inode inode(long number) throws IOException {
    return Inode.read(volume, number);
  }

  /**
   * What a path names, symbolic links followed. Paths start at the root, with a slash or without.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws NotDirectoryException if the path goes through something else
   * @throws FileSystemLoopException after 40 symbolic links
   */
  public Inode resolve(String path) throws IOException {
    return resolve(path, true);
  }

  /** As {@link #resolve(String)}; a symbolic link at the very end is followed only if asked. */
  public Inode resolve(String path, boolean followLast) throws IOException {
    var trail = new ArrayDeque<Inode>(List.of(root())); // the directories above, innermost last
    var rest = new ArrayDeque<String>();
    push(rest, path);
    int followed = 0;
    while (!rest.isEmpty()) {
      String name = rest.removeFirst();
      Inode here = trail.getLast();
      if (here.type() != FileType.DIRECTORY) {
        throw new NotDirectoryException(path);
      }
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        if (trail.size() > 1) {
          trail.removeLast();
        }
        continue;
      }
      Inode found = lookUp(here, name, path);
      if (found.type() == FileType.SYMLINK && (followLast || !rest.isEmpty())) {
        if (++followed > MAX_LINKS_FOLLOWED) {
          throw new FileSystemLoopException(path);
        }
        String target = readLink(found);
        if (target.startsWith("/")) {
          Inode root = trail.getFirst();
          trail.clear();
          trail.add(root);
        }
        push(rest, target);
      } else {
        trail.addLast(found);
      }
    }
    return trail.getLast();
  }

  private static void push(Deque<String> rest, String path) {
    String[] names = path.split("/", -1);
    for (int i = names.length - 1; i >= 0; i--) {
      rest.addFirst(names[i]);
    }
  }

  private Inode lookUp(Inode directory, String name, String path) throws IOException {
    ByteBuffer wanted = StandardCharsets.UTF_8.encode(name);
    var number = new long[1];
    new Directory(volume, directory)
        .forEach(
            extents(directory),
            (entry, inode) -> {
              number[0] = entry.equals(wanted) ? inode : 0;
              return number[0] == 0;
            });
    if (number[0] == 0) {
      throw new NoSuchFileException(path);
    }
    return inode(number[0]);
  }

  /** A directory's entries without {@code .} and {@code ..}, in the order of the disk. */
  public List<Entry> list(Inode directory) throws IOException {
    check(directory, FileType.DIRECTORY);
    var entries = new ArrayList<Entry>();
    new Directory(volume, directory)
        .forEach(
            extents(directory),
            (name, inode) -> {
              if (entries.size() == MAX_ENTRIES) {
                throw volume.bad(
                    directory.offset(), "entries of a directory", "at most " + MAX_ENTRIES, "more");
              }
              return entries.add(new Entry(Directory.text(name), inode));
            });
    return entries;
  }

  /** What a symbolic link says. */
  public String readLink(Inode link) throws IOException {
    check(link, FileType.SYMLINK);
    if (link.size() == 0 || link.size() > MAX_LINK_LENGTH) {
      throw volume.bad(link.offset() + 4, "length of link", "1 to " + MAX_LINK_LENGTH, link.size());
    }
    ByteBuffer target = BlockSources.readFully(content(link), 0, (int) link.size());
    return StandardCharsets.UTF_8.decode(target).toString();
  }

  /**
   * Where on the disk a file's content is, in the order of the file, clipped to its size. Holes and
   * what is allocated but was never written have no range; what is one run of the disk is one
   * range.
   */
  public List<Range> ranges(Inode inode) throws IOException {
    var ranges = new ArrayList<Range>();
    for (Extent extent : extents(inode)) {
      Range last = ranges.isEmpty() ? null : ranges.getLast();
      if (last != null && last.end() == extent.diskOffset()) {
        ranges.set(ranges.size() - 1, new Range(last.offset(), last.length() + extent.length()));
      } else {
        ranges.add(new Range(extent.diskOffset(), extent.length()));
      }
    }
    return ranges;
  }

  /** A file's content. Closing it closes nothing. */
  public BlockSource content(Inode inode) throws IOException {
    return new FileContent(
        volume.disk(),
        volume.disk().name() + " inode " + inode.number(),
        inode.size(),
        extents(inode));
  }

  /**
   * Visits everything below a directory, directories before what is in them.
   *
   * @throws FormatException if a directory can be reached in two ways
   */
  public void walk(Inode directory, Visitor visitor) throws IOException {
    var todo = new ArrayDeque<>(List.of(new Place(null, "", directory.number())));
    Set<Long> seen = new HashSet<>(Set.of(directory.number()));
    while (!todo.isEmpty()) {
      Place place = todo.removeLast();
      Inode here = inode(place.inode);
      String prefix = place.prefix(volume);
      new Directory(volume, here)
          .forEach(
              extents(here),
              (bytes, number) -> {
                String name = Directory.text(bytes);
                Inode inode = inode(number);
                visitor.visit(prefix + name, inode);
                if (inode.type() == FileType.DIRECTORY) {
                  if (!seen.add(number)) {
                    throw volume.bad(inode.offset(), "directory", "one name", prefix + name);
                  }
                  todo.addLast(new Place(place, name, number));
                }
                return true;
              });
    }
  }

  /** A directory that a walk has still to look at; its path is put together when that happens. */
  private record Place(@Nullable Place above, String name, long inode) {
    String prefix(Volume volume) throws IOException {
      var names = new ArrayDeque<String>();
      int length = 0;
      for (Place at = this; at.above != null; at = at.above) {
        names.addFirst(at.name + "/");
        length += at.name.length() + 1;
        if (length > MAX_PATH) {
          throw volume.bad(Superblock.AT, "path", "at most " + MAX_PATH, "longer: " + at.name);
        }
      }
      return String.join("", names);
    }
  }

  private List<Extent> extents(Inode inode) throws IOException {
    if (inode.has(Inode.FLAG_ENCRYPTED) || inode.has(Inode.FLAG_COMPRESSED)) {
      throw volume.bad(
          inode.offset() + 0x20, "i_flags", "neither encrypted nor compressed", "one of them");
    }
    if (inode.has(Inode.FLAG_INLINE_DATA)) {
      return InlineData.extents(volume, inode);
    }
    var list = new ExtentList(volume, inode);
    switch (inode.type()) {
      case SYMLINK -> {
        if (!inode.has(Inode.FLAG_EXTENTS) && inode.size() < Inode.BLOCK_LENGTH) {
          return inode.size() == 0
              ? List.of()
              : List.of(new Extent(0, inode.offset() + Inode.BLOCK_AT, inode.size()));
        }
        blocks(inode, list);
      }
      case REGULAR, DIRECTORY -> blocks(inode, list);
      case FIFO, SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE -> {}
    }
    return list.list();
  }

  private void blocks(Inode inode, ExtentList list) throws IOException {
    if (inode.has(Inode.FLAG_EXTENTS)) {
      new ExtentTree(volume, inode, list).walk();
    } else {
      new IndirectBlocks(volume, inode, list).walk();
    }
  }

  private void check(Inode inode, FileType type) throws IOException {
    if (inode.type() != type) {
      if (type == FileType.DIRECTORY) {
        throw new NotDirectoryException(inode.toString());
      }
      throw new IllegalArgumentException(inode + " is no " + type);
    }
  }
}
