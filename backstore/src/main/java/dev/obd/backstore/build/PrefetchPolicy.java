package dev.obd.backstore.build;

import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.LayerHints;
import dev.obd.backstore.image.ListedFiles;
import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.io.Range;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/** What an image is to say of fetching ahead, decided when it is made. */
public enum PrefetchPolicy {
  /** The listed files, as numbers of inodes. */
  FS,
  /** A part of the new layer's blob, which the system reads ahead where that is a local file. */
  BLOB,
  /** Nothing. */
  NONE;

  /** Opens the disk that the new image will have. */
  @FunctionalInterface
  public interface NewDisk {
    /**
     * Opens it read-only.
     *
     * @param layer the blob of its topmost layer
     */
    Image open(Path layer) throws IOException;
  }

  /**
   * The notes for a new layer.
   *
   * @param list of files of the new image; with {@link #BLOB} nothing means the whole blob
   * @param missing is told how many of them are not in it
   */
  public LayerNotes notes(FileList list, NewDisk disk, IntConsumer missing) {
    return switch (this) {
      case NONE -> LayerNotes.NONE;
      case FS ->
          layer -> {
            try (Image image = disk.open(layer.file())) {
              ListedFiles files = ListedFiles.of(image, list);
              missing.accept(files.missing());
              List<Long> inodes = files.inodes();
              return new LayerHints(Optional.of(new PrefetchHints(inodes)), Optional.empty());
            }
          };
      case BLOB ->
          layer -> {
            if (list.entries().isEmpty()) {
              Range all = new Range(0, layer.descriptor().size());
              return new LayerHints(Optional.empty(), Optional.of(all));
            }
            try (Image image = disk.open(layer.file())) {
              ListedFiles files = ListedFiles.of(image, list);
              missing.accept(files.missing());
              return new LayerHints(Optional.empty(), files.regionOfTopLayer());
            }
          };
    };
  }
}
