package dev.obd.backstore.build;

import dev.obd.format.files.FileMap;
import dev.obd.format.files.FileMap.File;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds the files of one image in another. */
final class Counterparts {
  /** Of files with the same name and size so many are compared. */
  private static final int MOST_COMPARED = 16;

  private final FileSystemReader old;
  private final FileSystemReader files;
  private final Map<String, File> byPath = new HashMap<>();
  private final Map<NameAndSize, List<File>> byName = new HashMap<>();

  /** What is left of a file that moved to another directory. */
  private record NameAndSize(String name, long size) {
    static NameAndSize of(File file) {
      return new NameAndSize(file.path().substring(file.path().lastIndexOf('/') + 1), file.size());
    }
  }

  /**
   * @param map of {@code files}
   */
  Counterparts(FileSystemReader old, FileSystemReader files, FileMap map) {
    this.old = old;
    this.files = files;
    for (File file : map.files()) {
      byPath.put(file.path(), file);
      if (file.type() == FileType.REGULAR) {
        List<File> alike = byName.computeIfAbsent(NameAndSize.of(file), _ -> new ArrayList<>(1));
        if (alike.size() < MOST_COMPARED) {
          alike.add(file);
        }
      }
    }
  }

  /** What has that path there, if it is of that type. */
  Optional<File> at(String path, FileType type) {
    return Optional.ofNullable(byPath.get(path)).filter(file -> file.type() == type);
  }

  /**
   * The file of the same path, whatever it holds; without one, a file of the same name and size
   * that has the same bytes around {@code offset}.
   */
  Optional<Counterpart> of(File file, long offset) throws IOException {
    Optional<File> inPlace = at(file.path(), FileType.REGULAR);
    if (inPlace.isPresent()) {
      return pair(file, inPlace.get());
    }
    for (File moved : byName.getOrDefault(NameAndSize.of(file), List.of())) {
      Optional<Counterpart> counterpart = pair(file, moved);
      if (counterpart.isPresent() && counterpart.get().isSame(offset / Counterpart.BLOCK)) {
        return counterpart;
      }
    }
    return Optional.empty();
  }

  private Optional<Counterpart> pair(File file, File other) throws IOException {
    Inode inode = files.inode(other.inode());
    try {
      return Optional.of(
          new Counterpart(
              old.content(old.inode(file.inode())),
              other,
              files.content(inode),
              files.extents(inode)));
    } catch (FormatException e) {
      return Optional.empty(); // compressed there: no part of the disk has its bytes
    }
  }
}
