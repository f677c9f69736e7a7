package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.Replayer;
import dev.obd.backstore.startlog.StartLog.Layer;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.backstore.startlog.StartLogging.Opened;
import dev.obd.io.Prefetchable;
import dev.obd.registry.Digest;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;

/** An image in the words of a start log. */
final class LoggedImage {
  private LoggedImage() {}

  /** What is known before it is open. */
  static Opened unopened(List<LayerOrigin> origins) {
    List<Layer> layers =
        origins.stream().map(origin -> new Layer(origin.name(), digest(origin), 0, 0, 0)).toList();
    return new Opened(0, layers, List.of(), List.of());
  }

  static Opened of(long diskBytes, List<OpenedLayer> opened, Optional<Replayer> replayer) {
    List<Layer> layers = new ArrayList<>();
    IdentityHashMap<Prefetchable, Integer> numbers = new IdentityHashMap<>();
    for (OpenedLayer layer : opened) {
      long unit = layer.cache().isEmpty() ? 0 : layer.cache().get().unitBytes();
      layer.cache().ifPresent(cache -> numbers.put(cache, layers.size()));
      long refill = layer.cache().isEmpty() ? 0 : layer.cache().get().refillBytes();
      layers.add(
          new Layer(
              layer.origin().name(), digest(layer.origin()), layer.blobBytes(), unit, refill));
    }
    return new Opened(
        diskBytes,
        layers,
        planned(replayer.map(Replayer::needs), numbers),
        planned(replayer.map(Replayer::wanted), numbers));
  }

  private static String digest(LayerOrigin origin) {
    return origin.digest().map(Digest::value).orElse("");
  }

  private static List<Planned> planned(
      Optional<List<Replayer.Wanted>> wanted, IdentityHashMap<Prefetchable, Integer> numbers) {
    List<Planned> planned = new ArrayList<>();
    for (Replayer.Wanted part : wanted.orElse(List.of())) {
      Integer layer = numbers.get(part.cache());
      if (layer != null) {
        planned.add(new Planned(layer, part.range().offset(), part.range().length()));
      }
    }
    return planned;
  }
}
