package dev.obd.cli;

import dev.obd.backstore.image.ImagePlans;
import java.io.IOException;

/** What users name as the source of a new image. */
final class Sources {
  private Sources() {}

  /**
   * An image with a manifest to build on.
   *
   * @throws IllegalArgumentException if it is a configuration or a layer file
   */
  static ImagePlans.Source.Stored image(Session session, String name) throws IOException {
    return switch (session.plans().resolve(name)) {
      case ImagePlans.Source.Stored stored -> stored;
      case ImagePlans.Source.Configured _ ->
          throw new IllegalArgumentException(
              name + " is a configuration: expected an image, whose manifest the new one follows");
      case ImagePlans.Source.LayerFile _ ->
          throw new IllegalArgumentException(
              name + " is a file: expected an image, whose manifest the new one follows");
    };
  }
}
