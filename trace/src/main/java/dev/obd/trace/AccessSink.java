package dev.obd.trace;

/**
 * Is told about every read of a layer. Called by many threads at once on the read path, so an
 * implementation neither blocks nor fails.
 */
@FunctionalInterface
public interface AccessSink {
  /**
   * One read that delivered all its bytes.
   *
   * @param layer index into the image's layers, 0 = lowest
   * @param offset bytes from the start of the layer's uncompressed LSMT stream, at least 0
   * @param length bytes; a read of nothing is ignored
   */
  void read(int layer, long offset, int length);
}
