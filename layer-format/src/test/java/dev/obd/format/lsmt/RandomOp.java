package dev.obd.format.lsmt;

import dev.obd.testdata.Contents;
import dev.obd.testdata.DeviceModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/** A write, or a discard if there is no data. Whole sectors. */
record RandomOp(long offset, long length, String kind, long seed) {
  private static final String[] KINDS = {"rand", "text", "zero", "mix", ""};

  static RandomOp next(SplittableRandom random, long size) {
    int sectors = (int) (size / 512);
    int most = random.nextInt(8) == 0 ? Math.min(sectors, 3_000) : Math.min(sectors, 40);
    int length = random.nextInt(1, most + 1);
    int offset = random.nextInt(sectors - length + 1);
    String kind = KINDS[random.nextInt(KINDS.length)];
    return new RandomOp(offset * 512L, length * 512L, kind, random.nextInt(1000));
  }

  private boolean discards() {
    return kind.isEmpty();
  }

  private byte[] content() {
    return Contents.of(kind, seed, (int) length);
  }

  void applyTo(WritableLayer layer) throws IOException {
    if (discards()) {
      layer.discard(offset, length);
    } else {
      layer.write(offset, ByteBuffer.wrap(content()));
    }
  }

  void applyTo(DeviceModel model) {
    if (discards()) {
      model.trim(offset, length);
    } else {
      model.write(offset, content());
    }
  }
}
