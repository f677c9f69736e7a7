package dev.obd.backstore.build;

import dev.obd.backstore.image.LayerHints;
import java.io.IOException;

/** What the maker of a layer wants to be noted with it in the manifest. */
@FunctionalInterface
public interface LayerNotes {
  /** Nothing. */
  LayerNotes NONE = layer -> LayerHints.NONE;

  /** Looks at a layer that is packed and about to become part of an image. */
  LayerHints of(LayerBlob layer) throws IOException;
}
