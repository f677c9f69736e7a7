package dev.obd.format.lsmt;

import dev.obd.format.MemorySink;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.ByteSink;
import dev.obd.io.FileSource;
import dev.obd.testdata.Ops;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/** What the tests of this package share. */
final class LsmtFiles {
  private LsmtFiles() {}

  /** Writes to a sink. */
  @FunctionalInterface
  interface Writing {
    void to(ByteSink out) throws IOException;
  }

  /** Fixed seeds and a fresh one. */
  static LongStream seeds() {
    return LongStream.of(1, 2, 3, System.nanoTime());
  }

  /** What {@code writing} writes to a sink that cannot be patched, like an upload. */
  static byte[] bytes(Writing writing) throws IOException {
    MemorySink out = MemorySink.likeAnUpload();
    writing.to(out);
    out.finish();
    return out.bytes();
  }

  static SealedLayer open(byte[] file) throws IOException {
    return SealedLayer.open(BlockSources.ofBytes("layer", ByteBuffer.wrap(file)));
  }

  static SealedLayer open(Path file) throws IOException {
    return SealedLayer.open(FileSource.open(file));
  }

  static byte[] read(BlockSource source, long offset, int length) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    source.read(offset, dst);
    return dst.array();
  }

  /** Does what {@code ops} say. */
  static void apply(List<Ops.Op> ops, WritableStack disk) throws IOException {
    for (Ops.Op op : ops) {
      switch (op) {
        case Ops.Write write -> disk.write(write.offset(), ByteBuffer.wrap(write.content()));
        case Ops.Trim trim -> disk.discard(trim.offset(), trim.length());
        case Ops.Sync ignored -> disk.flush();
        case Ops.Group ignored -> {}
      }
    }
  }
}
