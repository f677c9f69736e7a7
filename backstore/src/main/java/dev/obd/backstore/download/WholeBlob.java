package dev.obd.backstore.download;

import dev.obd.io.Range;
import dev.obd.registry.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A blob that is to be on this machine as a whole, and where its bytes are put. {@link #isHere},
 * {@link #fetch} and {@link #read} may be called by several threads; the others by one, while no
 * other call is under way.
 */
public interface WholeBlob extends Closeable {
  Digest digest();

  /** Bytes. */
  long size();

  /** True if nothing of {@code range} has to be fetched. */
  boolean isHere(Range range) throws IOException;

  /**
   * Brings {@code range}, under the caller's read context.
   *
   * @throws IOException if it could not be had, or not be kept
   */
  void fetch(Range range) throws IOException;

  /** Fills {@code dst} from {@code offset} with what was brought, as it is kept. */
  void read(long offset, ByteBuffer dst) throws IOException;

  /**
   * Forgets everything: its digest is wrong. What comes next comes another way, if there is one.
   */
  void distrust() throws IOException;

  /**
   * Looks whether all of it is still kept, once everything has come.
   *
   * @throws IOException if it is not: says why
   */
  default void requireKept() throws IOException {}

  /** The digest of everything was found right. */
  void complete() throws IOException;
}
