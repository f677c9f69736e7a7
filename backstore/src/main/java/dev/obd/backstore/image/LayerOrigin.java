package dev.obd.backstore.image;

import dev.obd.backstore.source.RemoteSource;
import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where one layer's blob lies.
 *
 * @param name what messages call it: a digest or a path
 * @param digest the blob's digest; present for every remote layer, whose cache is keyed by it
 * @param link the network link its bytes come over (a host); empty for a local file, which needs no
 *     cache
 * @param opener opens the raw blob
 * @param directory where the whole blob may be kept, as {@code overlaybd.commit}
 * @param otherwise where it lies if this turns out to be damaged
 * @param place what its bytes come from, for humans: a repository
 * @param hot whether it holds what a start reads, in that order: fetched whole, front to back
 * @param file the local file it is; empty if it is remote, or nobody said
 * @param hints what is to be fetched ahead of it
 */
public record LayerOrigin(
    String name,
    Optional<Digest> digest,
    Optional<String> link,
    Opener opener,
    Optional<Path> directory,
    Optional<LayerOrigin> otherwise,
    String place,
    boolean hot,
    Optional<Path> file,
    LayerHints hints) {
  /** Opens the raw blob: once per opened image, and once more for each try to download it. */
  @FunctionalInterface
  public interface Opener {
    BlockSource open() throws IOException;
  }

  public LayerOrigin {
    if (link.isPresent() && digest.isEmpty()) {
      throw new IllegalArgumentException(name + ": a remote layer needs a digest");
    }
  }

  /** Without a directory or another place. */
  public LayerOrigin(String name, Optional<Digest> digest, Optional<String> link, Opener opener) {
    this(
        name,
        digest,
        link,
        opener,
        Optional.empty(),
        Optional.empty(),
        link.orElse(name),
        false,
        Optional.empty(),
        LayerHints.NONE);
  }

  /** The same, kept whole in {@code kept} if that is wanted. */
  public LayerOrigin keptIn(Path kept) {
    return new LayerOrigin(
        name, digest, link, opener, Optional.of(kept), otherwise, place, hot, file, hints);
  }

  /** The same, or {@code other} if this is damaged. */
  public LayerOrigin or(LayerOrigin other) {
    return new LayerOrigin(
        name, digest, link, opener, directory, Optional.of(other), place, hot, file, hints);
  }

  /** The same, in that file. */
  public LayerOrigin in(Path local) {
    return new LayerOrigin(
        name, digest, link, opener, directory, otherwise, place, hot, Optional.of(local), hints);
  }

  /** The same, with what is said of it. */
  public LayerOrigin hinted(LayerHints said) {
    return new LayerOrigin(
        name, digest, link, opener, directory, otherwise, place, hot, file, said);
  }

  /** The same as a hot layer. */
  public LayerOrigin asHot() {
    return new LayerOrigin(
        name, digest, link, opener, directory, otherwise, place, true, file, hints);
  }

  /** A blob in a local file. */
  public static LayerOrigin file(Path path) {
    return new LayerOrigin(
        path.toString(), Optional.empty(), Optional.empty(), () -> FileSource.open(path));
  }

  /** A blob in a registry or another place of blobs, read in ranges and cached. */
  public static LayerOrigin remote(BlobStore blobs, Descriptor layer, String link) {
    LayerOrigin origin = remote(layer.digest(), link, () -> new RemoteSource(blobs.open(layer)));
    return new LayerOrigin(
        origin.name,
        origin.digest,
        origin.link,
        origin.opener,
        origin.directory,
        origin.otherwise,
        blobs.name(),
        false,
        origin.file,
        origin.hints);
  }

  /** A blob behind a link that is not a registry. */
  public static LayerOrigin remote(Digest digest, String link, Opener opener) {
    return new LayerOrigin(digest.toString(), Optional.of(digest), Optional.of(link), opener);
  }
}
