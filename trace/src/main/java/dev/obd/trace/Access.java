package dev.obd.trace;

/**
 * One read of a layer.
 *
 * @param layer index into the image's layers, 0 = lowest
 * @param offset bytes from the start of the layer's uncompressed LSMT stream
 * @param length bytes, at least 1
 */
public record Access(int layer, long offset, long length) {
  public Access {
    if (layer < 0 || offset < 0 || length < 1 || offset + length < 0) {
      throw new IllegalArgumentException(
          "access: layer " + layer + ", offset " + offset + ", length " + length);
    }
  }
}
