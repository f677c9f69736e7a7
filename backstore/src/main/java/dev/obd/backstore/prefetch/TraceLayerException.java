package dev.obd.backstore.prefetch;

import java.io.IOException;

/** An image's trace layer is not as it must be. Names the image and the layer. */
public final class TraceLayerException extends IOException {
  private static final long serialVersionUID = 1;

  public TraceLayerException(String image, String problem) {
    super(image + ": " + problem);
  }
}
