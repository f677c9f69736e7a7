package dev.obd.cli;

import dev.obd.backstore.store.LoadedImage;
import dev.obd.registry.Descriptor;
import java.io.PrintWriter;

/** An image somewhere, as commands that move images print it. */
record NamedImage(String name, String digest, int layers, long layerBytes) {
  static NamedImage of(LoadedImage image) {
    return of(image.name(), image);
  }

  /** The same image under another name. */
  static NamedImage of(String name, LoadedImage image) {
    return new NamedImage(
        name,
        image.descriptor().digest().value(),
        image.manifest().layers().size(),
        image.manifest().layers().stream().mapToLong(Descriptor::size).sum());
  }

  void print(PrintWriter out, boolean json) {
    if (json) {
      Json.print(out, this);
    } else {
      out.println(name + "@" + digest);
    }
  }
}
