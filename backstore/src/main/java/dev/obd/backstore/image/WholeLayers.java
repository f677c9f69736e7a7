package dev.obd.backstore.image;

import dev.obd.backstore.download.BlobHere;
import dev.obd.backstore.download.BlobInCache;
import dev.obd.backstore.download.BlobInFile;
import dev.obd.backstore.download.WholeBlob;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.io.BlockSource;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.layout.OciLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The layers of an image as blobs that are to be on this machine as a whole. */
public final class WholeLayers {
  private final ImageOpener opener;

  public WholeLayers(ImageOpener opener) {
    this.opener = opener;
  }

  private interface Place {
    WholeBlob open(LayerOrigin layer, Digest digest) throws IOException;
  }

  /**
   * The layers that come over a network, in the cache; files of this machine are looked through.
   *
   * @return to be closed by the caller; each digest once
   */
  public List<WholeBlob> inCache(ImagePlan plan) throws IOException {
    List<LayerOrigin> known =
        plan.lowers().stream().filter(layer -> layer.digest().isPresent()).toList();
    return open(
        known,
        (layer, digest) ->
            layer.link().isPresent()
                ? new BlobInCache(digest, opener.filling(layer))
                : new BlobHere(digest, layer.opener().open()));
  }

  /**
   * All layers, each in the directory {@link #directory} of {@code parent}.
   *
   * @param freeReserveBytes free space to leave to others
   * @return to be closed by the caller; each digest once
   * @throws IOException also if a layer has no digest, or another process brings it there
   */
  public List<WholeBlob> inDirectories(ImagePlan plan, Path parent, long freeReserveBytes)
      throws IOException {
    return open(
        plan.lowers(),
        (layer, digest) -> {
          BlockSource origin = opener.background(layer);
          return BlobInFile.inLayerDirectory(
              digest, origin, directory(parent, digest), freeReserveBytes);
        });
  }

  /**
   * The layers that come over a network, in the local store; whatever kind of layers they are.
   * Those that are there are looked through.
   *
   * @param freeReserveBytes free space to leave to others
   * @return to be closed by the caller; each digest once
   * @throws IOException also if another process brings one there
   */
  public List<WholeBlob> inStore(LoadedImage image, OciLayout store, long freeReserveBytes)
      throws IOException {
    List<LayerOrigin> all = new ArrayList<>();
    for (Descriptor layer : image.manifest().layers()) {
      all.add(ImagePlans.origin(image, layer));
    }
    return open(
        all,
        (layer, digest) -> {
          if (layer.link().isEmpty()) {
            return new BlobHere(digest, layer.opener().open());
          }
          BlockSource origin = opener.background(layer);
          return BlobInFile.open(
              digest, origin, store.partFile(digest), store.blobFile(digest), freeReserveBytes);
        });
  }

  /** The layer directory of a blob. */
  public static Path directory(Path parent, Digest digest) {
    return parent.resolve(digest.hex());
  }

  private static List<WholeBlob> open(List<LayerOrigin> layers, Place place) throws IOException {
    Map<Digest, LayerOrigin> byDigest = new LinkedHashMap<>();
    for (LayerOrigin layer : layers) {
      byDigest.putIfAbsent(
          layer
              .digest()
              .orElseThrow(() ->
                  new IOException(
                      layer.name() + ": its digest is not known; it cannot be verified")),
          layer);
    }
    List<WholeBlob> open = new ArrayList<>();
    try {
      for (Map.Entry<Digest, LayerOrigin> layer : byDigest.entrySet()) {
        open.add(place.open(layer.getValue(), layer.getKey()));
      }
      return open;
    } catch (IOException | RuntimeException e) {
      for (WholeBlob blob : open) {
        try {
          blob.close();
        } catch (IOException suppressed) {
          e.addSuppressed(suppressed);
        }
      }
      throw e;
    }
  }
}
