package dev.obd.format.files;

import dev.obd.io.Range;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which file each part of a disk belongs to: the other way round than a file system keeps it, so
 * all of it is looked at once. Immutable. Takes about 50 bytes per extent and the paths.
 */
public final class FileMap {
  /** What is found after so many is left out. */
  private static final int MAX_EXTENTS = 4 << 20;

  /**
   * A file or a directory with content of its own.
   *
   * @param path from the root, without a slash at its start; of several names the first one found.
   *     The root directory's is empty
   * @param inode as the file system numbers it
   * @param inodeOffset where on the disk the inode is
   */
  public record File(String path, FileType type, long inode, long inodeOffset, long size) {}

  /**
   * Part of a disk.
   *
   * @param disk bytes of it
   * @param file whose content that is; empty if it is nobody's: metadata, or nothing
   * @param fileOffset of the first byte in the file; 0 without one
   */
  public record Place(Range disk, Optional<File> file, long fileOffset) {}

  private record Mapped(long disk, long end, long fileOffset, File file) {}

  private final List<Mapped> extents; // by place on the disk, none overlapping
  private final List<File> files;

  private FileMap(List<Mapped> extents, List<File> files) {
    this.extents = extents;
    this.files = files;
  }

  /**
   * Looks at every inode that has a name. What cannot be read is left out: a map of most of a disk
   * is better than none.
   *
   * @throws IOException if the directories cannot be walked
   */
  public static FileMap of(FileSystemReader reader) throws IOException {
    List<Mapped> extents = new ArrayList<>();
    List<File> files = new ArrayList<>();
    Set<Long> seen = new HashSet<>();
    add(reader, "", reader.root(), seen, extents, files);
    reader.walk(reader.root(), (path, inode) -> add(reader, path, inode, seen, extents, files));
    extents.sort(Comparator.comparingLong(Mapped::disk));
    return new FileMap(withoutOverlaps(extents), files);
  }

  private static void add(
      FileSystemReader reader,
      String path,
      Inode inode,
      Set<Long> seen,
      List<Mapped> extents,
      List<File> files) {
    if ((inode.type() != FileType.REGULAR && inode.type() != FileType.DIRECTORY)
        || extents.size() >= MAX_EXTENTS
        || !seen.add(inode.number())) {
      return;
    }
    File file = new File(path, inode.type(), inode.number(), inode.offset(), inode.size());
    List<Extent> content;
    try {
      content = reader.extents(inode);
    } catch (IOException e) {
      content = List.of(); // compressed or damaged: it has a name all the same
    }
    files.add(file);
    for (Extent e : content.subList(0, Math.min(content.size(), MAX_EXTENTS - extents.size()))) {
      extents.add(new Mapped(e.diskOffset(), e.diskOffset() + e.length(), e.fileOffset(), file));
    }
  }

  /** Files may share what is on the disk; it is the first one's. */
  private static List<Mapped> withoutOverlaps(List<Mapped> sorted) {
    List<Mapped> apart = new ArrayList<>(sorted.size());
    long end = 0;
    for (Mapped next : sorted) {
      long from = Math.max(next.disk, end);
      if (from < next.end) {
        apart.add(new Mapped(from, next.end, next.fileOffset + from - next.disk, next.file));
        end = next.end;
      }
    }
    return apart;
  }

  /** Every file and directory, in the order in which they were found. */
  public List<File> files() {
    return List.copyOf(files);
  }

  /** Whose bytes these are: places that together are {@code disk}, in its order. */
  public List<Place> places(Range disk) {
    List<Place> places = new ArrayList<>();
    long at = disk.offset();
    for (int i = firstEndingAfter(at); i < extents.size() && at < disk.end(); i++) {
      Mapped next = extents.get(i);
      if (next.disk >= disk.end()) {
        break;
      }
      if (next.disk > at) {
        places.add(place(at, next.disk, null));
        at = next.disk;
      }
      long end = Math.min(next.end, disk.end());
      places.add(place(at, end, next));
      at = end;
    }
    if (at < disk.end()) {
      places.add(place(at, disk.end(), null));
    }
    return places;
  }

  private static Place place(long from, long end, @Nullable Mapped extent) {
    var range = new Range(from, end - from);
    return extent == null
        ? new Place(range, Optional.empty(), 0)
        : new Place(range, Optional.of(extent.file), extent.fileOffset + from - extent.disk);
  }

  private int firstEndingAfter(long offset) {
    int low = 0;
    int high = extents.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (extents.get(middle).end > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
