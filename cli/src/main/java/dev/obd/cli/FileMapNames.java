package dev.obd.cli;

import dev.obd.backstore.explain.FileNames;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.format.FileSystems;
import dev.obd.format.files.FileMap;
import dev.obd.io.Range;
import java.io.IOException;
import java.util.Optional;

/** The files of an image, by where they lie on its disk. */
record FileMapNames(FileMap map) implements FileNames {
  /**
   * Reads the metadata of the image's file system, over the network where it is not here.
   *
   * @throws IOException if the image cannot be opened, or has no file system that is known
   */
  static FileMapNames of(Session session, String source) throws IOException {
    var plan = session.plans().resolve(source).plan();
    try (Image image = session.opener().open(plan, OpenOptions.DEFAULTS.withReplay(false))) {
      var stack =
          image.stack().orElseThrow(() -> new IOException(source + ": has no read-only layers"));
      return new FileMapNames(FileMap.of(FileSystems.open(stack)));
    }
  }

  @Override
  public Optional<String> of(long offset, long length) {
    return map.places(new Range(offset, length)).stream()
        .flatMap(place -> place.file().stream())
        .findFirst()
        .map(file -> "/" + file.path());
  }
}
