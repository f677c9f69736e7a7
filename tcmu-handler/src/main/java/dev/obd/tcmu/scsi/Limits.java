package dev.obd.tcmu.scsi;

/** What one command may ask for; VPD page B0h tells it. In blocks where not said otherwise. */
final class Limits {
  /** One block: its write is atomic for every reader. */
  static final int COMPARE_AND_WRITE_BLOCKS = 1;

  /** 2 GiB in all descriptors together. */
  static final int UNMAP_BLOCKS = 1 << 22;

  /** Descriptors. */
  static final int UNMAP_DESCRIPTORS = 256;

  /** 512 MiB, since without UNMAP they are really written. */
  static final long WRITE_SAME_BLOCKS = 1 << 20;

  private Limits() {}
}
