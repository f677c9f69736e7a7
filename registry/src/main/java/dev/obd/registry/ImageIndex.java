package dev.obd.registry;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An image index (OCI) or manifest list (docker): one manifest per platform. Source: OCI image-spec
 * 1.1 image-index.md.
 */
public record ImageIndex(
    String mediaType,
    Optional<String> artifactType,
    List<Entry> entries,
    Optional<Descriptor> subject,
    Map<String, String> annotations,
    Map<String, String> otherFields) {
  /** An index of nothing. */
  static final ImageIndex EMPTY =
      new ImageIndex(
          MediaTypes.OCI_INDEX, Optional.empty(), List.of(), Optional.empty(), Map.of(), Map.of());

  private static final Set<String> KNOWN =
      Set.of("schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations");

  /** BuildKit's attestations are listed like images, for the platform {@code unknown/unknown}. */
  private static final String REFERENCE_TYPE = "vnd.docker.reference.type";

  /** One manifest; {@code platform} is what its descriptor says, if anything. */
  public record Entry(Descriptor descriptor, Optional<Platform> platform) {
    boolean isAttestation() {
      return descriptor.annotations().containsKey(REFERENCE_TYPE);
    }
  }

  public ImageIndex {
    entries = List.copyOf(entries);
    annotations = Collections.unmodifiableMap(new LinkedHashMap<>(annotations));
    otherFields = Collections.unmodifiableMap(new LinkedHashMap<>(otherFields));
  }

  /**
   * Reads an index.
   *
   * @throws RegistryException of kind BAD_ANSWER if the document is not an index
   */
  public static ImageIndex parse(Document document) throws RegistryException {
    String mediaType = document.descriptor().mediaType();
    JsonFields json = Manifest.open(document);
    if (!MediaTypes.isIndex(mediaType)) {
      throw json.bad("expected an image index, got " + Untrusted.printable(mediaType, 100));
    }
    if (json.has("layers") || json.has("config")) {
      throw json.bad("expected an index, got one that is also a manifest");
    }
    var entries = new ArrayList<Entry>();
    for (JsonFields entry : json.objects("manifests")) {
      entries.add(new Entry(entry.descriptor(), platform(entry)));
    }
    Optional<JsonFields> subject = json.object("subject");
    return new ImageIndex(
        mediaType,
        json.string("artifactType"),
        entries,
        subject.isPresent() ? Optional.of(subject.get().descriptor()) : Optional.empty(),
        json.stringMap("annotations"),
        json.others(KNOWN));
  }

  /**
   * The manifest for {@code wanted}: the highest variant it can run.
   *
   * @throws RegistryException of kind NOT_FOUND, listing what there is
   */
  public Descriptor pick(Platform wanted) throws RegistryException {
    Optional<Entry> best = Optional.empty();
    int bestSuits = 0;
    for (Entry entry : entries) {
      int suits = entry.isAttestation() ? 0 : entry.platform.map(wanted::suits).orElse(0);
      if (suits > bestSuits) {
        best = Optional.of(entry);
        bestSuits = suits;
      }
    }
    if (best.isEmpty() && entries.size() == 1 && entries.get(0).platform.isEmpty()) {
      return entries.get(0).descriptor; // nothing to choose, and nothing said against it
    }
    return best.orElseThrow(() ->
            new RegistryException(
                RegistryException.Kind.NOT_FOUND,
                0,
                "no image for " + wanted + "; there is: " + platforms(),
                null))
        .descriptor;
  }

  private String platforms() {
    String all =
        entries.stream()
            .filter(e -> !e.isAttestation())
            .map(e -> e.platform.map(Platform::toString).orElse("(no platform)"))
            .limit(32)
            .collect(Collectors.joining(", "));
    return all.isEmpty() ? "nothing" : Untrusted.printable(all, 500);
  }

  /** Compact JSON; equal indexes give equal bytes. */
  public byte[] toBytes() {
    var out = new JsonObject();
    out.addProperty("schemaVersion", 2);
    out.addProperty("mediaType", mediaType);
    artifactType.ifPresent(type -> out.addProperty("artifactType", type));
    out.add("manifests", JsonFields.toJson(entries.stream().map(Entry::descriptor).toList()));
    subject.ifPresent(s -> out.add("subject", JsonFields.toJson(s)));
    if (!annotations.isEmpty()) {
      out.add("annotations", JsonFields.toJson(annotations));
    }
    JsonFields.addOthers(out, otherFields);
    return JsonFields.bytes(out);
  }

  private static Optional<Platform> platform(JsonFields entry) throws RegistryException {
    Optional<JsonFields> platform = entry.object("platform");
    if (platform.isEmpty()) {
      return Optional.empty();
    }
    JsonFields fields = platform.get();
    return Optional.of(
        new Platform(
            fields.requiredString("os"),
            fields.requiredString("architecture"),
            fields.string("variant").filter(v -> !v.isEmpty())));
  }
}
