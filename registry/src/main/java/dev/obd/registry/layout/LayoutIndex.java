package dev.obd.registry.layout;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Document;
import dev.obd.registry.ImageIndex;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.RegistryException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The entries of a layout's {@code index.json}. Immutable; what it does not know it keeps. */
record LayoutIndex(ImageIndex json) {
  static final String REF_NAME = "org.opencontainers.image.ref.name";

  static LayoutIndex empty() {
    return new LayoutIndex(
        new ImageIndex(
            MediaTypes.OCI_INDEX,
            Optional.empty(),
            List.of(),
            Optional.empty(),
            Map.of(),
            Map.of()));
  }

  static LayoutIndex parse(byte[] bytes) throws RegistryException {
    return new LayoutIndex(ImageIndex.parse(Document.of(MediaTypes.OCI_INDEX, bytes)));
  }

  byte[] toBytes() {
    return json.toBytes();
  }

  List<Descriptor> descriptors() {
    return json.entries().stream().map(ImageIndex.Entry::descriptor).toList();
  }

  Optional<Descriptor> tagged(String tag) {
    return descriptors().stream().filter(d -> tagOf(d).filter(tag::equals).isPresent()).findFirst();
  }

  static Optional<String> tagOf(Descriptor descriptor) {
    return descriptor.annotation(REF_NAME);
  }

  /**
   * With {@code manifest} under {@code tag}, or without one. A tag moves; an entry of the same
   * manifest that has no tag becomes the tagged one.
   */
  LayoutIndex with(Optional<String> tag, Descriptor manifest, Map<String, String> annotations) {
    var own = new LinkedHashMap<>(annotations);
    own.remove(REF_NAME);
    tag.ifPresent(t -> own.put(REF_NAME, t));
    var kept = new ArrayList<ImageIndex.Entry>();
    boolean known = false;
    for (ImageIndex.Entry entry : json.entries()) {
      Optional<String> its = tagOf(entry.descriptor());
      boolean same = entry.descriptor().digest().equals(manifest.digest());
      boolean replaced =
          tag.isPresent() ? its.equals(tag) || (its.isEmpty() && same) : its.isEmpty() && same;
      if (!replaced) {
        kept.add(entry);
        known |= same;
      }
    }
    if (tag.isPresent() || !known || !annotations.isEmpty()) {
      kept.add(new ImageIndex.Entry(manifest.withAnnotations(own), Optional.empty()));
    }
    return withEntries(kept);
  }

  LayoutIndex without(String tag) {
    return withEntries(
        json.entries().stream()
            .filter(e -> tagOf(e.descriptor()).filter(tag::equals).isEmpty())
            .toList());
  }

  private LayoutIndex withEntries(List<ImageIndex.Entry> entries) {
    return new LayoutIndex(
        new ImageIndex(
            json.mediaType(),
            json.artifactType(),
            entries,
            json.subject(),
            json.annotations(),
            json.otherFields()));
  }
}
