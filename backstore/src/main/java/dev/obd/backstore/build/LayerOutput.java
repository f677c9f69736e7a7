package dev.obd.backstore.build;

import dev.obd.format.tar.TarLayerWriter;
import dev.obd.format.zfile.ZFileWriter;
import dev.obd.io.ByteSink;
import dev.obd.io.FileSink;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes a stream through its wrappers into a file that appears when it is whole. */
final class LayerOutput {
  private LayerOutput() {}

  /**
   * Writes {@code content} to {@code file}.
   *
   * @param expectedBytes about how long the stream will be, for {@code progress}
   * @return the file's size
   */
  static long write(
      Path file,
      OutputOptions options,
      long expectedBytes,
      Progress progress,
      LayerPacker.LayerWriter content)
      throws IOException {
    try (ByteSink out = new MeteredSink(open(file, options), expectedBytes, progress)) {
      content.write(out);
      out.finish();
    }
    return Files.size(file);
  }

  /** The sinks of a file, outermost format last; on failure nothing is left. */
  static ByteSink open(Path file, OutputOptions options) throws IOException {
    ByteSink sink = FileSink.create(file, options.existing());
    try {
      if (options.tar()) {
        sink = TarLayerWriter.open(sink);
      }
      return options.zfile().isPresent() ? ZFileWriter.open(sink, options.zfile().get()) : sink;
    } catch (IOException | RuntimeException e) {
      try {
        sink.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }
}
