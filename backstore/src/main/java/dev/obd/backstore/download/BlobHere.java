package dev.obd.backstore.download;

import dev.obd.io.BlockSource;
import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A blob that is a file of this machine already: only its digest is to be compared. */
public final class BlobHere implements WholeBlob {
  private final Digest digest;
  private final BlockSource file;

  /** Owns {@code file}. */
  public BlobHere(Digest digest, BlockSource file) {
    this.digest = digest;
    this.file = file;
  }

  @Override
  public Digest digest() {
    return digest;
  }

  @Override
  public long size() {
    return file.size();
  }

  @Override
  public boolean isHere(Range range) {
    return true;
  }

  @Override
  public void fetch(Range range) throws IOException {
    throw new IOException(file.name() + ": is a file of this machine, and not fetched");
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    file.read(offset, dst);
  }

  @Override
  public void distrust() throws IOException {
    throw new IOException(
        digest
            + ": damaged: the bytes here have another SHA-256; delete blobs/sha256/"
            + digest.hex()
            + " of the image's layout or of the store in OBD_HOME, and 'obd pull --data' fetches it"
            + " again if a registry has it");
  }

  @Override
  public void complete() {}

  @Override
  public void close() throws IOException {
    file.close();
  }
}
