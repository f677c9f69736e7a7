package dev.obd.backstore.device;

/** A disk behind bounds checks, a patience limit per request and draining. */
public final class BlockDevice {
  private BlockDevice() {}
}
