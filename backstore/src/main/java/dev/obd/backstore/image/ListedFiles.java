package dev.obd.backstore.image;

import dev.obd.format.FileSystems;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.io.BlockSource;
import dev.obd.io.DerivedSource;
import dev.obd.io.Range;
import dev.obd.trace.Access;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Listed files and directories that an image has. */
public final class ListedFiles {
  private static final long MAX_INODE = 0xFFFF_FFFFL;

  private final Image image;
  private final FileList list;
  private final List<Long> inodes;
  private final int missing;

  private ListedFiles(Image image, FileList list, List<Long> inodes, int missing) {
    this.image = image;
    this.list = list;
    this.inodes = inodes;
    this.missing = missing;
  }

  /**
   * Looks them up.
   *
   * @throws IOException if the image has no file system that can be read
   */
  public static ListedFiles of(Image image, FileList list) throws IOException {
    FileSystemReader files = FileSystems.open(stack(image));
    Map<Long, Inode> found = new LinkedHashMap<>();
    int missing = list.rejected();
    for (FileList.Entry entry : list.entries()) {
      try {
        Inode inode = files.resolve(entry.path());
        boolean useful = inode.type() == FileType.REGULAR || inode.type() == FileType.DIRECTORY;
        if (useful && inode.number() > 0 && inode.number() <= MAX_INODE) {
          found.putIfAbsent(inode.number(), inode);
        } else {
          missing++;
        }
      } catch (IOException e) { // not there, or damaged: it is left out
        missing++;
      }
    }
    Set<Long> inside = new HashSet<>();
    for (Inode inode : found.values()) {
      if (inode.type() == FileType.DIRECTORY && !inside.contains(inode.number())) {
        files.walk(inode, (path, below) -> inside.add(below.number()));
      }
    }
    List<Long> inodes = found.keySet().stream().filter(number -> !inside.contains(number)).toList();
    return new ListedFiles(image, list, inodes, missing);
  }

  private static LayerStack stack(Image image) throws IOException {
    return image
        .stack()
        .orElseThrow(() -> new IOException(image.name() + ": the image has no layers"));
  }

  /**
   * Their inodes, in the list's order; without those in listed directories.
   *
   * @return each 1 to 2^32 - 1
   */
  public List<Long> inodes() {
    return inodes;
  }

  /** How many of the list are not here. */
  public int missing() {
    return missing;
  }

  /** The smallest part of the topmost layer's blob that has what of them is in that layer. */
  public Optional<Range> regionOfTopLayer() throws IOException {
    int top = image.layers().size() - 1;
    List<Range> places = new ArrayList<>();
    for (Access access : FileListTrace.of(stack(image), list, () -> false)) {
      if (access.layer() == top) {
        places.add(inBlob(image.layers().get(top), new Range(access.offset(), access.length())));
      }
    }
    long from = places.stream().mapToLong(Range::offset).min().orElse(0);
    long to = places.stream().mapToLong(Range::end).max().orElse(0);
    return to == 0 ? Optional.empty() : Optional.of(new Range(from, to - from));
  }

  private static Range inBlob(BlockSource layer, Range range) {
    BlockSource source = layer;
    Range place = range;
    while (source instanceof DerivedSource derived) {
      place = derived.baseRange(place.offset(), place.length());
      source = derived.base();
    }
    return place;
  }
}
