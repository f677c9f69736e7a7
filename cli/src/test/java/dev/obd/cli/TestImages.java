package dev.obd.cli;

import dev.obd.backstore.build.ImageBuilder;
import dev.obd.backstore.build.PackOptions;
import dev.obd.backstore.build.RawDisk;
import dev.obd.backstore.config.Home;
import dev.obd.io.BlockSource;
import dev.obd.registry.Progress;
import dev.obd.testdata.Contents;
import dev.obd.trace.Access;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Images made for a test. */
final class TestImages {
  static final long DISK_BYTES = 8 << 20;

  private TestImages() {}

  /** A disk of 8 MiB: data, zeros, data. */
  static Path disk(Path file) throws IOException {
    byte[] disk = new byte[(int) DISK_BYTES];
    byte[] content = Contents.of("rand", 5, 2 << 20);
    System.arraycopy(content, 0, disk, 0, content.length);
    System.arraycopy(content, 0, disk, 6 << 20, 1 << 20);
    return Files.write(file, disk);
  }

  /** Makes an image of one layer, and on it a trace if there are reads. */
  static void make(Path home, Path disk, String name, List<Access> trace) throws IOException {
    try (Session session = new SessionOptions().open(new Home(home));
        BlockSource raw = RawDisk.open(disk)) {
      ImageBuilder builder = session.builder();
      builder.importDisk(
          raw,
          Optional.empty(),
          session.images().target(name),
          PackOptions.DEFAULTS,
          "test",
          Progress.NONE);
      if (!trace.isEmpty()) {
        builder.addTrace(
            session.images().load(name),
            trace,
            session.images().target(name),
            Instant.parse("2026-01-02T03:04:05Z"));
      }
    }
  }
}
