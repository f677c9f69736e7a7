package dev.obd.backstore.build;

import dev.obd.format.zfile.ZFileWriterOptions;

/**
 * How a layer becomes a blob.
 *
 * @param zfile compression; the defaults are the original's: LZ4, blocks of 4 KiB, checksums
 */
public record PackOptions(ZFileWriterOptions zfile) {
  public static final PackOptions DEFAULTS =
      new PackOptions(ZFileWriterOptions.DEFAULT.withOverwriteHeader(true));
}
