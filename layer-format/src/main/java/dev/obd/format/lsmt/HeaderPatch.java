package dev.obd.format.lsmt;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Changes single fields of a header in place; whatever else the header holds stays. */
final class HeaderPatch {
  private HeaderPatch() {}

  static void virtualSize(StoreFile file, long size) throws IOException {
    ByteBuffer field = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.write(LayerHeader.Field.VIRTUAL_SIZE.at, field.putLong(size).flip());
  }
}
