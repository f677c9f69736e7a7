package dev.obd.backstore.download;

import dev.obd.io.BlockSource;
import dev.obd.io.FileSource;
import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A blob that is brought into a file of its own, beside which it is put together. A file that is
 * there already is only read, and replaced if its digest is wrong.
 */
public final class BlobInFile implements WholeBlob {
  private static final int LOOK_BYTES = 64 << 10;

  /** Where the file is put together, and what it is called when it is whole. */
  private record Place(Path part, Path whole, long freeReserveBytes) {}

  private final Digest digest;
  private final BlockSource origin;
  private final Place place;

  // One of them is there. They change only in distrust(), while nobody else calls.
  private @Nullable FileSource whole;
  private @Nullable PartialFile partial;

  private BlobInFile(Digest digest, BlockSource origin, Place place) {
    this.digest = digest;
    this.origin = origin;
    this.place = place;
  }

  /**
   * Into a layer directory, as overlaybd has it; what an earlier process has brought is not fetched
   * again. Owns {@code origin}, also if this fails.
   *
   * @param freeReserveBytes free space to leave to others
   * @throws IOException if another process brings this blob to the same place
   */
  public static BlobInFile inLayerDirectory(
      Digest digest, BlockSource origin, Path directory, long freeReserveBytes) throws IOException {
    return open(
        digest,
        origin,
        directory.resolve(LayerDownload.PARTIAL),
        directory.resolve(LayerDownload.COMMIT),
        freeReserveBytes);
  }

  /**
   * As {@link #inLayerDirectory}, with any names.
   *
   * @param part what is not whole yet; on the file system of {@code whole}
   */
  public static BlobInFile open(
      Digest digest, BlockSource origin, Path part, Path whole, long freeReserveBytes)
      throws IOException {
    var blob = new BlobInFile(digest, origin, new Place(part, whole, freeReserveBytes));
    try {
      if (!blob.openWhole()) {
        blob.openPartial();
      }
      return blob;
    } catch (IOException | RuntimeException e) {
      try (blob) {
        throw e;
      }
    }
  }

  private boolean openWhole() throws IOException {
    if (Files.exists(place.whole) && Files.size(place.whole) == origin.size()) {
      whole = FileSource.open(place.whole);
      return true;
    }
    return false;
  }

  private void openPartial() throws IOException {
    PartialFile file = PartialFile.open(place.part, place.freeReserveBytes);
    partial = file;
    if (openWhole()) { // it was made while we came here: the file is no longer ours
      partial = null;
      file.close();
    } else {
      file.setSize(origin.size());
    }
  }

  @Override
  public Digest digest() {
    return digest;
  }

  @Override
  public long size() {
    return origin.size();
  }

  @Override
  public boolean isHere(Range range) {
    PartialFile file = partial;
    if (file == null) {
      return true;
    }
    ByteBuffer look = ByteBuffer.allocate((int) Math.min(LOOK_BYTES, range.length()));
    for (long at = range.offset(); at < range.end(); at += look.capacity()) {
      look.clear().limit((int) Math.min(look.capacity(), range.end() - at));
      if (!file.isHere(at, look)) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void fetch(Range range) throws IOException {
    PartialFile file = partial;
    if (file != null) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(range.length()));
      origin.read(range.offset(), bytes);
      file.write(range.offset(), bytes.flip());
    }
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    if (partial != null) {
      partial.read(offset, dst);
    } else if (whole != null) {
      whole.read(offset, dst);
    }
  }

  @Override
  public void distrust() throws IOException {
    if (whole != null) {
      whole.close();
      whole = null;
      partial = PartialFile.open(place.part, place.freeReserveBytes);
    }
    if (partial != null) {
      partial.empty();
      partial.setSize(size());
    }
    origin.evict(0, size());
  }

  @Override
  public void complete() throws IOException {
    if (partial != null) {
      partial.publish(place.whole);
    }
  }

  @Override
  public void close() throws IOException {
    try (origin;
        FileSource _ = whole;
        PartialFile _ = partial) {
      // closed in reverse order
    }
  }
}
