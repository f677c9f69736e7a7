package dev.obd.backstore.device;

import java.io.IOException;
import java.net.URI;

/**
 * One way to show devices to the world: one class per protocol, found by {@link
 * java.util.ServiceLoader}.
 */
public interface DeviceFrontend {
  /** The URI scheme it answers to: {@code nbd+unix}, {@code nbd}, {@code fuse}. */
  String scheme();

  /**
   * Empty if this machine can run it; otherwise one sentence saying what is missing and how to get
   * it.
   */
  java.util.Optional<String> unavailableBecause();

  /**
   * Publishes {@code device} and returns once a client can open it.
   *
   * @param where {@code nbd+unix:///export-name?socket=/path}, {@code nbd://host:port/export-name},
   *     {@code fuse:///path/of/the/file}
   */
  Export export(BlockDevice device, URI where) throws IOException, InterruptedException;
}
