package dev.obd.backstore.build;

import dev.obd.backstore.image.Image;
import dev.obd.format.LayerFile;
import dev.obd.format.lsmt.CommitOptions;
import dev.obd.format.lsmt.LayerCommitter;
import dev.obd.format.lsmt.LayerMerger;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.lsmt.SegmentIndex;
import dev.obd.format.lsmt.SegmentTotals;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.tar.TarOffset;
import dev.obd.format.zfile.ZFile;
import dev.obd.format.zfile.ZFileOptions;
import dev.obd.io.BlockSource;
import dev.obd.io.ByteSink;
import dev.obd.io.ExtentMap;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.registry.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What overlaybd's tools do with layer files. The same input and options give the same bytes, for
 * any number of threads; an output is whole or absent.
 */
public final class LayerTools {
  private static final int PIECE = 1 << 20;

  private LayerTools() {}

  /**
   * What was written.
   *
   * @param bytes the file's size
   * @param warnings what had to be dropped of the input, as {@link WritableLayer#warnings}
   */
  public record Written(long bytes, List<String> warnings) {}

  /** Compacts a writable layer into a new file. Its own files keep what they hold. */
  public static Written commit(
      Path data,
      Path index,
      Path out,
      CommitOptions identity,
      OutputOptions options,
      Progress progress)
      throws IOException {
    refuseInput(out, data);
    refuseInput(out, index);
    try (WritableLayer layer = WritableLayer.open(data, index)) {
      long bytes =
          LayerOutput.write(
              out,
              options,
              committedBytes(layer.snapshot()),
              progress,
              sink -> LayerCommitter.commit(layer, identity, sink));
      return new Written(bytes, layer.warnings());
    }
  }

  /** Compacts a sealed layer, however it is wrapped, into a new file. */
  public static Written commitSealed(
      Path sealed, Path out, CommitOptions identity, OutputOptions options, Progress progress)
      throws IOException {
    refuseInput(out, sealed);
    try (BlockSource blob = FileSource.open(sealed)) {
      SealedLayer layer = SealedLayer.open(LayerFile.open(blob));
      long bytes =
          LayerOutput.write(
              out,
              options,
              committedBytes(layer.index()),
              progress,
              sink -> LayerCommitter.commit(layer, identity, sink));
      return new Written(bytes, List.of());
    }
  }

  /** Flattens an opened image into one layer. */
  public static Written merge(
      Image image, Path out, CommitOptions identity, OutputOptions options, Progress progress)
      throws IOException {
    long[] data = {0};
    image.extents(
        0,
        image.size(),
        (offset, length, kind) -> {
          data[0] += kind == ExtentMap.Kind.DATA ? length : 0;
          return true;
        });
    long bytes =
        LayerOutput.write(
            out,
            options,
            data[0] + 2 * PIECE,
            progress,
            sink -> {
              if (image.writableStack().isPresent()) {
                LayerMerger.merge(image.writableStack().get(), identity, sink);
              } else {
                LayerMerger.merge(image.stack().orElseThrow(), identity, sink);
              }
            });
    return new Written(bytes, List.of());
  }

  /** Data, two headers and the index before its neighbours are joined: near enough for progress. */
  private static long committedBytes(SegmentIndex index) {
    return SegmentTotals.of(index).dataBytes() + 8192 + 16L * index.count();
  }

  /**
   * Writes a stream as it comes: compressed or wrapped, as the options say.
   *
   * @param expectedBytes how long it is, 0 if that is not known
   */
  public static Written write(
      InputStream raw, long expectedBytes, Path out, OutputOptions options, Progress progress)
      throws IOException {
    long bytes =
        LayerOutput.write(
            out,
            options,
            expectedBytes,
            progress,
            sink -> {
              byte[] piece = new byte[PIECE];
              for (int n = raw.readNBytes(piece, 0, PIECE);
                  n > 0;
                  n = raw.readNBytes(piece, 0, PIECE)) {
                sink.write(ByteBuffer.wrap(piece, 0, n));
              }
            });
    return new Written(bytes, List.of());
  }

  /** As {@link #write(InputStream, long, Path, OutputOptions, Progress)}, of a file. */
  public static Written write(Path raw, Path out, OutputOptions options, Progress progress)
      throws IOException {
    refuseInput(out, raw);
    try (InputStream in = Files.newInputStream(raw)) {
      return write(in, Files.size(raw), out, options, progress);
    }
  }

  /**
   * Writes the content of a ZFile, in a tar or not, to a new file.
   *
   * @throws FormatException if it is no ZFile, or damaged
   */
  public static Written extract(Path zfile, Path out, OutputOptions options, Progress progress)
      throws IOException {
    refuseInput(out, zfile);
    try (BlockSource blob = FileSource.open(zfile)) {
      ZFile content = ZFile.open(TarOffset.unwrap(blob), ZFileOptions.DEFAULT);
      long bytes =
          LayerOutput.write(out, options, content.size(), progress, sink -> copy(content, sink));
      return new Written(bytes, List.of());
    }
  }

  private static void copy(BlockSource from, ByteSink to) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(PIECE);
    for (long at = 0; at < from.size(); at += piece.limit()) {
      piece.clear().limit((int) Math.min(PIECE, from.size() - at));
      from.read(at, piece);
      to.write(piece.flip());
    }
  }

  /**
   * Reads every byte of {@code content}, so that whatever is wrong with it is found.
   *
   * @throws FormatException naming the first damage
   */
  public static void verify(BlockSource content, Progress progress) throws IOException {
    ByteBuffer piece = ByteBuffer.allocate(PIECE);
    for (long at = 0; at < content.size(); at += piece.limit()) {
      piece.clear().limit((int) Math.min(PIECE, content.size() - at));
      content.read(at, piece);
      progress.at(at + piece.limit(), content.size());
    }
  }

  /** Replacing what is being read would lose it if anything went wrong afterwards. */
  private static void refuseInput(Path out, Path input) throws IOException {
    if (Files.exists(out) && Files.exists(input) && Files.isSameFile(out, input)) {
      throw new IOException(out + ": is the input, and cannot be the output too");
    }
  }
}
