package dev.obd.format;

import dev.obd.format.tar.TarOffset;
import dev.obd.format.zfile.ZFile;
import dev.obd.format.zfile.ZFileOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.util.Optional;

/**
 * Opens a layer blob down to its plain content, which is LSMT: tar or not, then ZFile or not, in
 * this order. A ZFile that holds a tar is not unwrapped further. Source: overlaybd 063821f,
 * image_file.cpp and switch_file.cpp.
 */
public final class LayerFile {
  private LayerFile() {}

  /**
   * What a blob turned out to be.
   *
   * @param tar the wrapper; without one the payload is the whole blob
   * @param zfile the ZFile records of the payload, if it is one
   */
  public record Kind(TarOffset.Layout tar, Optional<ZFile.Records> zfile) {}

  /** {@link #open(BlockSource, ZFileOptions)} with the default options. */
  public static BlockSource open(BlockSource blob) throws IOException {
    return open(blob, ZFileOptions.DEFAULT);
  }

  /**
   * The plain content of {@code blob}: a {@link ZFile}, a slice, or {@code blob} itself. Closing it
   * closes the blob.
   *
   * @throws FormatException if a wrapper is damaged; the blob stays the caller's then, and open
   */
  public static BlockSource open(BlockSource blob, ZFileOptions options) throws IOException {
    BlockSource payload = TarOffset.unwrap(blob);
    Optional<ZFile> zfile = ZFile.openIfZFile(payload, options);
    return zfile.isPresent() ? zfile.get() : payload;
  }

  /**
   * Looks at the wrappers' headers only; neither the jump table nor any block is read.
   *
   * @throws FormatException if a header is damaged
   */
  public static Kind inspect(BlockSource blob) throws IOException {
    return new Kind(TarOffset.detect(blob), ZFile.inspect(TarOffset.unwrap(blob)));
  }
}
