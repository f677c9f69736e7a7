package dev.obd.format.files;

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
 * Reads a file system on a disk without mounting it. The disk is hostile: whatever it holds, a call
 * ends with a result or an {@link IOException}, in memory bounded by a few megabytes plus what it
 * returns, and in time that the disk's size bounds. Thread-safe; the disk stays the caller's to
 * close.
 *
 * <p>An inode given to a method must be of the same reader.
 */
public abstract class FileSystemReader {
  private static final int MAX_LINKS_FOLLOWED = 40; // as the kernel
  private static final int MAX_LINK_LENGTH = 4096;
  private static final int MAX_ENTRIES = 4 << 20;
  private static final int MAX_PATH = 64 << 10;
  private static final int MAX_EXTENTS = 4 << 20;

  private final BlockSource disk;

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

  /** Receives a directory's raw names, which need not be text. */
  @FunctionalInterface
  public interface EntryVisitor {
    /**
     * Takes one entry.
     *
     * @param at where on the disk the name is
     * @param name not empty, and little more than valid for the call
     * @return false to stop
     */
    boolean entry(long at, ByteBuffer name, long inode) throws IOException;
  }

  protected FileSystemReader(BlockSource disk) {
    this.disk = disk;
  }

  /** What kind of file system this is, as {@code mount -t} takes it. */
  public abstract String type();

  /** The root directory. */
  public abstract Inode root() throws IOException;

  /**
   * The inode with this number.
   *
   * @throws FormatException if there is none
   */
  public abstract Inode inode(long number) throws IOException;

  /**
   * Where on the disk each part of a file's content is, in the order of the file, clipped to its
   * size. Holes and what is allocated but was never written have no extent.
   *
   * @throws FormatException if the content is not on the disk as it is, but compressed
   */
  public final List<Extent> extents(Inode inode) throws IOException {
    return extents(inode, MAX_EXTENTS);
  }

  /**
   * As {@link #extents(Inode)}.
   *
   * @param most extents; no more are held in memory
   * @throws TooManyExtentsException if it has more
   */
  public abstract List<Extent> extents(Inode inode, int most) throws IOException;

  /** All entries of a directory, perhaps with {@code .} and {@code ..}, in the disk's order. */
  protected abstract void entries(Inode directory, EntryVisitor visitor) throws IOException;

  /**
   * What a path names, symbolic links followed. Paths start at the root, with a slash or without.
   *
   * @throws NoSuchFileException if there is no such file
   * @throws NotDirectoryException if the path goes through something else
   * @throws FileSystemLoopException after 40 symbolic links
   */
  public final Inode resolve(String path) throws IOException {
    return resolve(path, true);
  }

  /** As {@link #resolve(String)}; a symbolic link at the very end is followed only if asked. */
  public final Inode resolve(String path, boolean followLast) throws IOException {
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
    var found = new ArrayList<Inode>(1);
    named(directory, (at, entry, inode) -> !entry.equals(wanted) || !found.add(inode(inode)));
    if (found.isEmpty()) {
      throw new NoSuchFileException(path);
    }
    return found.getFirst();
  }

  /** A directory's entries without {@code .} and {@code ..}, in the order of the disk. */
  public final List<Entry> list(Inode directory) throws IOException {
    var entries = new ArrayList<Entry>();
    named(
        directory,
        (at, name, inode) -> {
          if (entries.size() == MAX_ENTRIES) {
            throw bad(at, "entries of " + directory, "at most " + MAX_ENTRIES, "more");
          }
          return entries.add(new Entry(text(name), inode));
        });
    return entries;
  }

  /** What a symbolic link says. */
  public final String readLink(Inode link) throws IOException {
    if (link.type() != FileType.SYMLINK) {
      throw new IllegalArgumentException(link + " is no " + FileType.SYMLINK);
    }
    if (link.size() == 0 || link.size() > MAX_LINK_LENGTH) {
      throw bad(link.offset(), "length of link", "1 to " + MAX_LINK_LENGTH, link.size());
    }
    return text(BlockSources.readFully(content(link), 0, (int) link.size()));
  }

  /**
   * Which ranges of the disk must be read to have a file's content, in the order of the file: its
   * extents, of which neighbours are joined.
   */
  public final List<Range> ranges(Inode inode) throws IOException {
    return ranges(inode, MAX_EXTENTS);
  }

  /**
   * As {@link #ranges(Inode)}.
   *
   * @param most extents; no more are held in memory
   * @throws TooManyExtentsException if it has more
   */
  public List<Range> ranges(Inode inode, int most) throws IOException {
    var ranges = new ArrayList<Range>();
    for (Extent extent : extents(inode, most)) {
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
  public final BlockSource content(Inode inode) throws IOException {
    return new FileContent(
        disk, disk.name() + " inode " + inode.number(), inode.size(), extents(inode));
  }

  /**
   * Visits everything below a directory, directories before what is in them.
   *
   * @throws FormatException if a directory can be reached in two ways
   */
  public final void walk(Inode directory, Visitor visitor) throws IOException {
    var todo = new ArrayDeque<>(List.of(new Place(null, "", directory.number())));
    Set<Long> seen = new HashSet<>(Set.of(directory.number()));
    while (!todo.isEmpty()) {
      Place place = todo.removeLast();
      String prefix = prefix(place);
      named(
          inode(place.inode),
          (at, bytes, number) -> {
            String name = text(bytes);
            Inode inode = inode(number);
            visitor.visit(prefix + name, inode);
            if (inode.type() == FileType.DIRECTORY) {
              if (!seen.add(number)) {
                throw bad(at, "directory", "one name", prefix + name);
              }
              todo.addLast(new Place(place, name, number));
            }
            return true;
          });
    }
  }

  /** A directory that a walk has still to look at; its path is put together when that happens. */
  private record Place(@Nullable Place above, String name, long inode) {}

  private String prefix(Place place) throws IOException {
    var names = new ArrayDeque<String>();
    int length = 0;
    for (Place at = place; at.above != null; at = at.above) {
      names.addFirst(at.name + "/");
      length += at.name.length() + 1;
      if (length > MAX_PATH) {
        throw bad(inode(place.inode).offset(), "path", "at most " + MAX_PATH, "longer: " + at.name);
      }
    }
    return String.join("", names);
  }

  /** A directory's entries that have a name of their own. */
  private void named(Inode directory, EntryVisitor visitor) throws IOException {
    if (directory.type() != FileType.DIRECTORY) {
      throw new NotDirectoryException(directory.toString());
    }
    entries(
        directory,
        (at, name, inode) -> {
          for (int i = 0; i < name.limit(); i++) {
            if (name.get(i) == '/' || name.get(i) == 0) {
              throw bad(at, "name in " + directory, "no '/' and no NUL", text(name));
            }
          }
          return isDot(name) || visitor.entry(at, name, inode);
        });
  }

  private static boolean isDot(ByteBuffer name) {
    int length = name.limit();
    return name.get(0) == '.' && (length == 1 || (length == 2 && name.get(1) == '.'));
  }

  private static String text(ByteBuffer name) {
    return StandardCharsets.UTF_8.decode(name.duplicate()).toString();
  }

  private FormatException bad(long at, String field, Object expected, Object actual) {
    return new FormatException(disk.name(), at, field, expected, actual);
  }
}
