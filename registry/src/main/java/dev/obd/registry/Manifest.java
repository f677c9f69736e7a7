package dev.obd.registry;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An image manifest, OCI or docker v2; both have the same fields. Layout and order: {@code
 * docs/formats/oci.md}. Source: OCI image-spec 1.1 manifest.md, distribution manifest-v2-2.md.
 *
 * @param layers lowest first
 * @param otherFields fields this program does not know, name to JSON text, written back as they
 *     were
 */
public record Manifest(
    String mediaType,
    Optional<String> artifactType,
    Descriptor config,
    List<Descriptor> layers,
    Optional<Descriptor> subject,
    Map<String, String> annotations,
    Map<String, String> otherFields) {
  private static final Set<String> KNOWN =
      Set.of(
          "schemaVersion",
          "mediaType",
          "artifactType",
          "config",
          "layers",
          "subject",
          "annotations");

  public Manifest {
    layers = List.copyOf(layers);
    annotations = Collections.unmodifiableMap(new LinkedHashMap<>(annotations));
    otherFields = Collections.unmodifiableMap(new LinkedHashMap<>(otherFields));
  }

  public Manifest(String mediaType, Descriptor config, List<Descriptor> layers) {
    this(mediaType, Optional.empty(), config, layers, Optional.empty(), Map.of(), Map.of());
  }

  /**
   * Reads a manifest.
   *
   * @throws RegistryException of kind BAD_ANSWER if the document is not a manifest; of kind REFUSED
   *     if it is of an older schema
   */
  public static Manifest parse(Document document) throws RegistryException {
    String mediaType = document.descriptor().mediaType();
    JsonFields json = open(document);
    if (!MediaTypes.isManifest(mediaType)) {
      throw json.bad("expected an image manifest, got " + Untrusted.printable(mediaType, 100));
    }
    // One document that can be read both as a manifest and as an index means two different things
    // to two readers, under one signature.
    if (json.has("manifests")) {
      throw json.bad("expected a manifest, got one that is also an index");
    }
    Optional<JsonFields> config = json.object("config");
    if (config.isEmpty()) {
      throw json.bad("config: missing");
    }
    var layers = new ArrayList<Descriptor>();
    for (JsonFields layer : json.objects("layers")) {
      layers.add(layer.descriptor());
    }
    Optional<JsonFields> subject = json.object("subject");
    return new Manifest(
        mediaType,
        json.string("artifactType"),
        config.get().descriptor(),
        layers,
        subject.isPresent() ? Optional.of(subject.get().descriptor()) : Optional.empty(),
        json.stringMap("annotations"),
        json.others(KNOWN));
  }

  /** What manifests and indexes have in common: JSON, schema 2, and a type that does not lie. */
  static JsonFields open(Document document) throws RegistryException {
    JsonFields json = JsonFields.parse(document.descriptor().digest().toString(), document.bytes());
    Optional<Long> schema = json.whole("schemaVersion");
    if (schema.isEmpty() || schema.get() != 2) {
      throw new RegistryException(
          RegistryException.Kind.REFUSED,
          0,
          document.descriptor().digest()
              + ": schemaVersion: expected 2, got "
              + schema.map(String::valueOf).orElse("none"),
          null);
    }
    Optional<String> inner = json.string("mediaType");
    if (inner.isPresent() && !inner.get().equals(document.descriptor().mediaType())) {
      throw json.bad(
          "mediaType: expected "
              + Untrusted.printable(document.descriptor().mediaType(), 100)
              + ", got "
              + Untrusted.printable(inner.get(), 100));
    }
    return json;
  }

  /** Compact JSON; equal manifests give equal bytes. */
  public byte[] toBytes() {
    var out = new JsonObject();
    out.addProperty("schemaVersion", 2);
    out.addProperty("mediaType", mediaType);
    artifactType.ifPresent(type -> out.addProperty("artifactType", type));
    out.add("config", JsonFields.toJson(config));
    out.add("layers", JsonFields.toJson(layers));
    subject.ifPresent(s -> out.add("subject", JsonFields.toJson(s)));
    if (!annotations.isEmpty()) {
      out.add("annotations", JsonFields.toJson(annotations));
    }
    JsonFields.addOthers(out, otherFields);
    return JsonFields.bytes(out);
  }

  /** The bytes with their descriptor. */
  public Document toDocument() {
    byte[] bytes = toBytes();
    return new Document(new Descriptor(mediaType, Digest.of(bytes), bytes.length), bytes);
  }

  public Manifest withConfig(Descriptor replacement) {
    return new Manifest(
        mediaType, artifactType, replacement, layers, subject, annotations, otherFields);
  }

  public Manifest withLayers(List<Descriptor> replacement) {
    return new Manifest(
        mediaType, artifactType, config, replacement, subject, annotations, otherFields);
  }

  public Manifest withAnnotations(Map<String, String> replacement) {
    return new Manifest(mediaType, artifactType, config, layers, subject, replacement, otherFields);
  }

  /** Refers to the image this one was made from. */
  public Manifest withSubject(String type, Descriptor image) {
    return new Manifest(
        mediaType, Optional.of(type), config, layers, Optional.of(image), annotations, otherFields);
  }
}
