package dev.obd.backstore.source;

/**
 * Who is told of the reads of a process, by where they are made. Each method is asked once per
 * source that is opened.
 */
public interface ReadRecorders {
  /** Nobody is told. */
  ReadRecorders NONE = new ReadRecorders() {};

  /** Reads through the cache of the blob called {@code name}. */
  default ReadRecorder cached(String name) {
    return ReadRecorder.NONE;
  }

  /** Reads from a registry; waiting for a turn is not counted. */
  default ReadRecorder remote(String name) {
    return ReadRecorder.NONE;
  }

  /** Reads of a layer file on this machine. */
  default ReadRecorder local(String name) {
    return ReadRecorder.NONE;
  }

  /** Reads from a registry by the background download. */
  default ReadRecorder background(String name) {
    return ReadRecorder.NONE;
  }
}
