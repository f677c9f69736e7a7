package dev.obd.registry.client;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Document;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.ImageIndex;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.Platform;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import dev.obd.registry.Repository;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Reading and copying whole images. */
public final class Images {
  /** An index of indexes of … ends here. */
  private static final int MAX_DEPTH = 4;

  private Images() {}

  /** The image for {@code platform} that {@code tagOrDigest} names, through indexes if need be. */
  public static Image read(Repository from, String tagOrDigest, Platform platform)
      throws IOException {
    Document document = from.manifest(tagOrDigest);
    for (int depth = 0; document.isIndex(); depth++) {
      refuseDeep(depth, document);
      Descriptor picked = ImageIndex.parse(document).pick(platform);
      document = child(from, picked);
    }
    return new Image(document, Manifest.parse(document));
  }

  /** An image's manifest, as stored and as parsed. */
  public record Image(Document document, Manifest manifest) {
    /** Its config, if it is one of an image. */
    public ImageConfig config(Repository from) throws IOException {
      Descriptor config = manifest.config();
      byte[] bytes = from.blob(config, ImageConfig.MAX_BYTES);
      return ImageConfig.parse(config.digest().toString(), bytes);
    }
  }

  /**
   * Copies an image, blobs first and what names them last, so that an interrupted copy leaves no
   * image that lacks something. Blobs that are there are not sent again; within one registry they
   * are mounted.
   *
   * @param tag what to call it at {@code to}; empty for no name
   * @return what {@code tag} now names
   */
  public static Descriptor copy(
      Repository from, String tagOrDigest, Repository to, Optional<String> tag, CopyOptions options)
      throws IOException {
    Document root =
        options.platform().isPresent()
            ? read(from, tagOrDigest, options.platform().get()).document
            : from.manifest(tagOrDigest);
    var documents = new ArrayList<Document>();
    var blobs = new LinkedHashMap<Digest, Descriptor>();
    collect(from, root, 0, documents, blobs, options.metadataOnly());
    new BlobCopies(from, to, options).run(List.copyOf(blobs.values()));
    for (Document child : documents.subList(0, documents.size() - 1)) { // the last is the root
      to.pushManifest(Optional.empty(), child.descriptor().mediaType(), child.bytes());
    }
    return to.pushManifest(tag, root.descriptor().mediaType(), root.bytes());
  }

  /** Documents come out children first. */
  private static void collect(
      Repository from,
      Document document,
      int depth,
      List<Document> documents,
      Map<Digest, Descriptor> blobs,
      boolean metadataOnly)
      throws IOException {
    refuseDeep(depth, document);
    if (document.isIndex()) {
      for (ImageIndex.Entry entry : ImageIndex.parse(document).entries()) {
        Document child = child(from, entry.descriptor());
        collect(from, child, depth + 1, documents, blobs, metadataOnly);
      }
    } else {
      Manifest manifest = Manifest.parse(document);
      blobs.putIfAbsent(manifest.config().digest(), manifest.config());
      if (!metadataOnly) {
        for (Descriptor layer : manifest.layers()) {
          addLayer(from, layer, blobs);
        }
      }
    }
    documents.add(document);
  }

  private static void addLayer(Repository from, Descriptor layer, Map<Digest, Descriptor> blobs)
      throws IOException {
    if (MediaTypes.isForeign(layer.mediaType())) {
      return;
    }
    blobs.putIfAbsent(layer.digest(), layer);
    Optional<String> target = OverlaybdAnnotations.targetDigest(layer);
    if (target.isEmpty()) {
      return;
    }
    // No manifest lists the layer a turboOCI index belongs to, but it must lie beside it.
    if (!Digest.isDigest(target.get())) {
      throw new RegistryException(
          Kind.BAD_ANSWER, 0, layer.digest() + ": target digest is none", null);
    }
    var digest = new Digest(target.get());
    if (!blobs.containsKey(digest)) {
      OptionalLong size = from.blobSize(digest);
      if (size.isEmpty()) {
        throw new RegistryException(
            Kind.NOT_FOUND,
            0,
            from.name() + ": no blob " + digest + ", which layer " + layer.digest() + " needs",
            null);
      }
      String type = OverlaybdAnnotations.targetMediaType(layer).orElse("application/octet-stream");
      blobs.put(digest, new Descriptor(type, digest, size.getAsLong()));
    }
  }

  private static Document child(Repository from, Descriptor named) throws IOException {
    Document document = from.manifest(named.digest().value());
    if (document.descriptor().mediaType().equals(named.mediaType())) {
      return document;
    }
    // Some registries announce one type for everything; the index knows better.
    return Document.of(named.mediaType(), document.bytes());
  }

  private static void refuseDeep(int depth, Document document) throws RegistryException {
    if (depth > MAX_DEPTH) {
      throw new RegistryException(
          Kind.REFUSED,
          0,
          document.descriptor().digest() + ": indexes nested deeper than " + MAX_DEPTH,
          null);
    }
  }
}
