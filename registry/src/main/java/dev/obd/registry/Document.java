package dev.obd.registry;

/**
 * A manifest or index as stored: its descriptor and its bytes, which match the descriptor's digest.
 */
@SuppressWarnings("ArrayRecordComponent") // identity is the descriptor; nobody compares documents
public record Document(Descriptor descriptor, byte[] bytes) {
  /**
   * The document these bytes are.
   *
   * @param announced the media type somebody gave for them; if it is not one of a manifest or an
   *     index, the type is taken from the document, and failing that told from its fields
   */
  public static Document of(String announced, byte[] bytes) throws RegistryException {
    Digest digest = Digest.of(bytes);
    String mediaType = announced;
    if (!MediaTypes.isManifest(announced) && !MediaTypes.isIndex(announced)) {
      JsonFields json = JsonFields.parse(digest.toString(), bytes);
      String guess = json.has("manifests") ? MediaTypes.OCI_INDEX : MediaTypes.OCI_MANIFEST;
      mediaType = json.string("mediaType").orElse(guess);
    }
    return new Document(new Descriptor(mediaType, digest, bytes.length), bytes);
  }

  public boolean isIndex() {
    return MediaTypes.isIndex(descriptor.mediaType());
  }
}
