package dev.obd.backstore.image;

import java.io.IOException;

/** An image could not be opened; says at which part of it. */
public final class ImageOpenException extends IOException {
  private static final long serialVersionUID = 1;

  /** What could not be opened. */
  public sealed interface Part {
    /**
     * A layer.
     *
     * @param number 0 = lowest
     * @param origin where its blob lies
     */
    record Layer(int number, LayerOrigin origin, Stage stage) implements Part {}

    /** The layers do not make a disk. */
    record Stack() implements Part {}

    /** The writable layer. */
    record Upper() implements Part {}

    /** A recording of its reads. */
    record Recording() implements Part {}
  }

  /** How far a layer got. */
  public enum Stage {
    /** Its blob could not be opened. */
    BLOB,
    /** It could not be seen what it is wrapped in, or the wrapping is damaged. */
    WRAPPING,
    /** Its index is damaged, or could not be read. */
    INDEX
  }

  private final transient Part part;

  public ImageOpenException(Part part, String message, Throwable cause) {
    super(message, cause);
    this.part = part;
  }

  /** What could not be opened. */
  public Part part() {
    return part;
  }
}
