package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.format.FileSystems;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.format.files.TooManyExtentsException;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.io.Range;
import dev.obd.io.ReadContext;
import dev.obd.trace.FileList;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Looks listed files up in the image's file system, and says which ranges of which layers hold
 * them. The list and the disk are hostile: all of a list takes bounded time and memory, and what
 * would take more is left out.
 */
final class FileListTrace {
  private static final Logger log = LogManager.getLogger(FileListTrace.class);

  /**
   * The most of it.
   *
   * @param visited names in listed directories, all of them together
   * @param files whose ranges are looked up
   * @param ranges of all files together
   */
  record Limits(int visited, int files, int ranges) {
    /** Ranges: as many as a trace may have. */
    static final Limits DEFAULT = new Limits(1 << 20, 100_000, 1 << 18);
  }

  private final FileSystemReader files;
  private final Limits limits;
  private final BooleanSupplier ended;
  private final Set<Long> seen = new HashSet<>();
  private final List<Range> ranges = new ArrayList<>();
  private int visited;
  private boolean full;

  /**
   * Nothing yet.
   *
   * @param ended true once nobody wants it any more
   */
  FileListTrace(FileSystemReader files, Limits limits, BooleanSupplier ended) {
    this.files = files;
    this.limits = limits;
    this.ended = ended;
  }

  /** Ends a walk, because it has taken as much as it may. */
  private static final class Enough extends IOException {
    private static final long serialVersionUID = 1;

    Enough() {
      super("what is listed is too much, or takes too long");
    }
  }

  /** Files that are not there, or cannot be looked up, are left out. */
  static Trace of(LayerStack stack, FileList list, BooleanSupplier ended) throws IOException {
    var trace = new FileListTrace(FileSystems.open(stack), Limits.DEFAULT, ended);
    return LayerAccesses.of(stack, trace.add(list));
  }

  /** Likewise. The numbers may be of another state of the disk: then they are of little use. */
  static Trace of(LayerStack stack, PrefetchHints hints, BooleanSupplier ended) throws IOException {
    var trace = new FileListTrace(FileSystems.open(stack), Limits.DEFAULT, ended);
    return LayerAccesses.of(stack, trace.add(hints));
  }

  /** Adds what is listed; returns all ranges of the disk so far. */
  List<Range> add(FileList list) {
    int missing = list.rejected();
    for (FileList.Entry entry : list.entries()) {
      missing += !isEnough() && add(entry) ? 0 : 1;
    }
    if (missing > 0) {
      log.warn(
          "filelist.left_out entries={} of={}", missing, list.entries().size() + list.rejected());
    }
    return List.copyOf(ranges);
  }

  /** Likewise. */
  List<Range> add(PrefetchHints hints) {
    int missing = 0;
    for (long number : hints.inodes()) {
      try {
        requireMore();
        addAll(files.inode(number));
      } catch (IOException e) {
        missing++;
        log.debug("prefetch.hint inode={} reason={}", number, e.getMessage());
      }
    }
    if (missing > 0) {
      log.warn("prefetch.hints.left_out entries={} of={}", missing, hints.inodes().size());
    }
    return List.copyOf(ranges);
  }

  private boolean isEnough() {
    full |=
        visited >= limits.visited
            || seen.size() >= limits.files
            || ranges.size() >= limits.ranges
            || ended.getAsBoolean()
            || ReadContext.current().deadline().expired();
    return full;
  }

  private void requireMore() throws Enough {
    if (isEnough()) {
      throw new Enough();
    }
  }

  private void addAll(Inode inode) throws IOException {
    if (inode.type() == FileType.DIRECTORY) {
      files.walk(
          inode,
          (path, found) -> {
            requireMore();
            visited++;
            add(found);
          });
    } else {
      add(inode);
    }
  }

  private boolean add(FileList.Entry entry) {
    try {
      Inode inode = files.resolve(entry.path());
      if (entry.directory() && inode.type() == FileType.DIRECTORY) {
        addAll(inode);
        return true;
      }
      add(inode);
      return inode.type() == FileType.REGULAR;
    } catch (IOException e) {
      log.debug("filelist.entry path={} reason={}", entry.path(), e.getMessage());
      return false;
    }
  }

  private void add(Inode inode) throws IOException {
    // A list may name a file, and the directory it lies in, too.
    if (inode.type() == FileType.REGULAR && !isEnough() && seen.add(inode.number())) {
      try {
        ranges.addAll(files.ranges(inode, limits.ranges - ranges.size()));
      } catch (TooManyExtentsException e) {
        full = true; // else each of many such files would be looked at as far as that
        throw e;
      }
    }
  }
}
