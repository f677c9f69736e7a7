package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.format.FileSystems;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.io.Range;
import dev.obd.trace.FileList;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Looks listed files up in the image's file system, and says which ranges of which layers hold
 * them.
 */
final class FileListTrace {
  private static final Logger log = LogManager.getLogger(FileListTrace.class);

  /** A listed directory may hold any number of files; past this the rest is left out. */
  private static final int MAX_FILES = 100_000;

  /** As many as a trace may have; what lies in more places is left out. */
  private static final int MAX_RANGES = 1 << 18;

  private final FileSystemReader files;
  private final Set<Long> seen = new HashSet<>();
  private final List<Range> ranges = new ArrayList<>();

  private FileListTrace(FileSystemReader files) {
    this.files = files;
  }

  /** Files that are not there, or cannot be looked up, are left out. */
  static Trace of(LayerStack stack, FileList list) throws IOException {
    FileListTrace trace = new FileListTrace(FileSystems.open(stack));
    int missing = list.rejected();
    for (FileList.Entry entry : list.entries()) {
      missing += trace.add(entry) ? 0 : 1;
    }
    if (missing > 0) {
      log.warn(
          "filelist.left_out entries={} of={}", missing, list.entries().size() + list.rejected());
    }
    return LayerAccesses.of(stack, trace.ranges);
  }

  /** Likewise. The numbers may be of another state of the disk: then they are of little use. */
  static Trace of(LayerStack stack, PrefetchHints hints) throws IOException {
    FileListTrace trace = new FileListTrace(FileSystems.open(stack));
    int missing = 0;
    for (long number : hints.inodes()) {
      try {
        trace.addAll(trace.files.inode(number));
      } catch (IOException e) {
        missing++;
        log.debug("prefetch.hint inode={} reason={}", number, e.getMessage());
      }
    }
    if (missing > 0) {
      log.warn("prefetch.hints.left_out entries={} of={}", missing, hints.inodes().size());
    }
    return LayerAccesses.of(stack, trace.ranges);
  }

  private void addAll(Inode inode) throws IOException {
    if (inode.type() == FileType.DIRECTORY) {
      files.walk(inode, (path, found) -> add(found));
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
    if (inode.type() == FileType.REGULAR
        && seen.size() < MAX_FILES
        && ranges.size() < MAX_RANGES
        && seen.add(inode.number())) {
      ranges.addAll(files.ranges(inode));
    }
  }
}
