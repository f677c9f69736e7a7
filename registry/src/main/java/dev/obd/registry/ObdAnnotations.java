package dev.obd.registry;

/** This program's own annotations on layer descriptors; other tools pass over them. */
public final class ObdAnnotations {
  /**
   * {@link OverlaybdAnnotations#YES} on a hot layer: a data layer that only repeats bytes of the
   * layers below it, in the order in which a start reads them.
   */
  public static final String HOT_LAYER = "dev.obd.hot-layer";

  private ObdAnnotations() {}

  /**
   * True if {@code layer} says that it is a hot layer; whether it repeats anything is not known.
   */
  public static boolean isHot(Descriptor layer) {
    return layer.annotation(HOT_LAYER).filter(OverlaybdAnnotations.YES::equals).isPresent();
  }
}
