package dev.obd.format.qcow2;

/** What the tables say about one cluster of the disk. */
sealed interface Cluster {
  /** This image says nothing: ask the backing file, or it is a hole. */
  record Unallocated() implements Cluster {
    static final Unallocated INSTANCE = new Unallocated();
  }

  /** Zeros. */
  record Zero() implements Cluster {
    static final Zero INSTANCE = new Zero();
  }

  /**
   * The cluster as it is, from byte {@code offset} of the image, a multiple of the cluster size.
   */
  record Plain(long offset) implements Cluster {}

  /** The cluster, compressed; {@code length} is an upper bound, counted in sectors. */
  record Compressed(long offset, int length) implements Cluster {}
}
