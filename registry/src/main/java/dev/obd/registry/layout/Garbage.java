package dev.obd.registry.layout;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.Document;
import dev.obd.registry.ImageIndex;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.RegistryException;
import dev.obd.registry.Repository;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Blobs nothing refers to. What a document refers to is kept whatever its media type says; a
 * document that is there but cannot be read stops the collection, because what it referred to is
 * not known.
 */
final class Garbage {
  private final Path blobs;
  private final Set<Digest> live = new HashSet<>();

  Garbage(Path blobs) {
    this.blobs = blobs;
  }

  /** Everything reachable from {@code roots}. */
  void mark(List<Descriptor> roots) throws IOException {
    var open = new ArrayDeque<Descriptor>(roots);
    while (!open.isEmpty()) {
      Descriptor next = open.pop();
      OverlaybdAnnotations.targetDigest(next)
          .filter(Digest::isDigest)
          .map(Digest::new)
          .ifPresent(live::add);
      boolean isNew = live.add(next.digest());
      boolean document =
          MediaTypes.isIndex(next.mediaType()) || MediaTypes.isManifest(next.mediaType());
      if (isNew && document) {
        open.addAll(children(next));
      }
    }
  }

  private List<Descriptor> children(Descriptor parent) throws IOException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(blobs.resolve(parent.digest().hex()))) {
      bytes = in.readNBytes(Repository.MAX_MANIFEST_BYTES + 1);
    } catch (NoSuchFileException e) {
      return List.of(); // not here: then it keeps nothing here
    }
    Document document = Document.of(parent.mediaType(), bytes);
    if (!document.descriptor().digest().equals(parent.digest())) {
      throw new RegistryException(
          RegistryException.Kind.BAD_ANSWER,
          0,
          blobs + ": expected " + parent.digest() + ", got " + document.descriptor().digest(),
          null);
    }
    var all = new java.util.ArrayList<Descriptor>();
    if (document.isIndex()) {
      ImageIndex index = ImageIndex.parse(document);
      index.entries().forEach(e -> all.add(e.descriptor()));
      index.subject().ifPresent(all::add);
    } else {
      Manifest manifest = Manifest.parse(document);
      all.add(manifest.config());
      all.addAll(manifest.layers());
      manifest.subject().ifPresent(all::add);
    }
    return all;
  }

  /**
   * Removes the rest, as far as it is older than {@code age}: younger blobs may wait for their
   * manifest.
   *
   * @return bytes freed
   */
  long sweep(Path temporaries, Instant now, Duration age) throws IOException {
    return sweep(blobs, now.minus(age), true) + sweep(temporaries, now.minus(age), false);
  }

  private long sweep(Path directory, Instant before, boolean blobsOnly) throws IOException {
    if (!Files.isDirectory(directory)) {
      return 0;
    }
    long freed = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String digest = "sha256:" + file.getFileName();
        boolean dead =
            !blobsOnly || (Digest.isDigest(digest) && !live.contains(new Digest(digest)));
        if (dead && Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
          long size = Files.size(file);
          freed += Files.deleteIfExists(file) ? size : 0;
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return freed;
  }
}
