package dev.obd.backstore.build;

import dev.obd.backstore.image.LayerAccesses;
import dev.obd.format.FileSystems;
import dev.obd.format.files.FileMap;
import dev.obd.format.files.FileMap.File;
import dev.obd.format.files.FileMap.Place;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.io.Range;
import dev.obd.trace.Intervals;
import dev.obd.trace.Intervals.Interval;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * Makes traces of one image fit another that has mostly the same files: a rebuild. What was read is
 * followed by its file, its place in the file and its content, wherever the other image's file
 * system has put it. Not thread-safe; the images stay the caller's.
 */
public final class TraceCarrier {
  /**
   * A trace that was followed.
   *
   * @param trace for the other image, by first touch
   * @param share how much of the old trace that is
   */
  public record Carried(Trace trace, Share share) {}

  /**
   * Bytes of the old disk that an old trace read, by what became of them; together they are all,
   * but for what lies between the end of a file and that of its last block.
   *
   * @param same the other image has them in the same file, or in one of the same name and size
   * @param changed its file of that path has others there, which the program will read all the same
   * @param metadata of the file system, at the same place in the other one, and directories
   * @param lost the other image has no such file, or it ends before
   */
  public record Share(long same, long changed, long metadata, long lost) {
    /** All that was followed. */
    public long all() {
      return same + changed + metadata + lost;
    }

    /** What the new trace has of it. */
    public long carried() {
      return all() - lost;
    }
  }

  private final LayerStack old;
  private final LayerStack fresh;
  private final FileMap oldMap;
  private final FileSystemReader freshFiles;
  private final FileMap freshMap;
  private final Counterparts counterparts;
  private final Map<Long, Optional<Counterpart>> found = new HashMap<>(); // by old inode

  /**
   * Reads the directories and inodes of both.
   *
   * @param old what was recorded
   * @param fresh the rebuild
   * @throws IOException if either has no file system that is known here, or cannot be read
   */
  public TraceCarrier(LayerStack old, LayerStack fresh) throws IOException {
    this.old = old;
    this.fresh = fresh;
    FileSystemReader oldFiles = FileSystems.open(old);
    oldMap = FileMap.of(oldFiles);
    freshFiles = FileSystems.open(fresh);
    freshMap = FileMap.of(freshFiles);
    counterparts = new Counterparts(oldFiles, freshFiles, freshMap);
  }

  /**
   * Follows {@code trace}. Reads, of the files of both images, what was touched.
   *
   * @param progress told how many bytes of the old disk were followed, now and then
   */
  public Carried carry(Trace trace, LongConsumer progress) throws IOException {
    var way = new Way();
    long done = 0;
    for (Range range : FirstTouches.of(old, trace).disk()) {
      for (Place place : oldMap.places(range)) {
        way.follow(place);
      }
      done += range.length();
      progress.accept(done);
    }
    return new Carried(LayerAccesses.of(fresh, way.ranges), way.share());
  }

  /** One trace on its way. */
  private final class Way {
    /** What file systems read of their own at once, and files are rounded up to. */
    private static final int BLOCK = 4096;

    private final Set<Long> reached = new HashSet<>(); // inodes
    private final Intervals seen = new Intervals();
    private final List<Range> ranges = new ArrayList<>();
    private long same;
    private long changed;
    private long metadata;
    private long lost;

    Share share() {
      return new Share(same, changed, metadata, lost);
    }

    void follow(Place place) throws IOException {
      if (place.file().isEmpty()) {
        followMetadata(place.disk());
      } else if (place.file().get().type() == FileType.DIRECTORY) {
        followDirectory(place.file().get(), place.disk().length());
      } else {
        followContent(place.file().get(), place.fileOffset(), place.disk().length());
      }
    }

    private void followMetadata(Range disk) {
      long from =
          (disk.offset() + BLOCK - 1) / BLOCK * BLOCK; // before it, a file's last block ends
      if (from >= disk.end()) {
        return;
      }
      for (Place place : freshMap.places(new Range(from, disk.end() - from))) {
        if (place.file().isEmpty()) {
          metadata += place.disk().length();
          add(place.disk());
        } else {
          lost += place.disk().length();
        }
      }
    }

    private void followDirectory(File old, long bytes) throws IOException {
      Optional<File> directory = counterparts.at(old.path(), FileType.DIRECTORY);
      if (directory.isPresent()) {
        metadata += bytes;
        reach(directory.get());
      } else {
        lost += bytes;
      }
    }

    private void followContent(File old, long offset, long bytes) throws IOException {
      Optional<Counterpart> counterpart = found.get(old.inode());
      if (counterpart == null) {
        counterpart = counterparts.of(old, offset);
        found.put(old.inode(), counterpart);
      }
      if (counterpart.isEmpty()) {
        lost += bytes;
        return;
      }
      Counterpart there = counterpart.get();
      reach(there.file());
      long end = offset + bytes;
      for (long at = offset, next; at < end; at = next) {
        next = Math.min(end, (at / Counterpart.BLOCK + 1) * Counterpart.BLOCK);
        long length = Math.clamp(there.file().size() - at, 0, next - at);
        lost += next - at - length;
        if (there.isSame(at / Counterpart.BLOCK)) {
          same += length;
        } else {
          changed += length;
        }
        there.extents(at, length).forEach(this::add);
      }
    }

    /** What it takes to find a file: the directories on the way, and its inode. */
    private void reach(File file) throws IOException {
      if (reached.contains(file.inode())) {
        return;
      }
      for (int slash = 0; slash >= 0 && !file.path().isEmpty(); ) {
        String above = file.path().substring(0, slash);
        Optional<File> directory = counterparts.at(above, FileType.DIRECTORY);
        if (directory.isPresent()) {
          look(directory.get());
        }
        slash = file.path().indexOf('/', slash + 1);
      }
      look(file);
    }

    private void look(File file) throws IOException {
      if (!reached.add(file.inode())) {
        return;
      }
      add(new Range(file.inodeOffset() / BLOCK * BLOCK, BLOCK));
      if (file.type() == FileType.DIRECTORY) {
        for (Range range : freshFiles.ranges(freshFiles.inode(file.inode()))) {
          add(range);
        }
      }
    }

    private void add(Range disk) {
      long from = disk.offset() / BLOCK * BLOCK;
      long end = (disk.end() + BLOCK - 1) / BLOCK * BLOCK;
      for (Interval fresh : seen.add(from, end)) {
        ranges.add(new Range(fresh.from(), fresh.end() - fresh.from()));
      }
    }
  }
}
