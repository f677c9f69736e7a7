package dev.obd.backstore.device;

import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;

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
  Optional<String> unavailableBecause();

  /**
   * {@link #unavailableBecause()} for what {@code where} asks for, which may need more than the
   * front-end itself. Also says what is wrong with a {@code where} that is not understood.
   */
  default Optional<String> unavailableBecause(URI where) {
    return unavailableBecause();
  }

  /**
   * Publishes {@code device} and returns once a client can open it.
   *
   * @param where {@code nbd+unix:///export-name?socket=/path}, {@code nbd://host:port/export-name},
   *     {@code fuse:///path/of/the/file}
   */
  Export export(BlockDevice device, URI where) throws IOException, InterruptedException;

  /**
   * Takes over what an earlier process exported at {@code where}, with the requests that have
   * waited since; empty if nothing is left of it, or nothing can be taken over.
   *
   * @param address what that process's {@link Export#address} was
   */
  default Optional<Export> resume(BlockDevice device, URI where, String address)
      throws IOException, InterruptedException {
    return Optional.empty();
  }

  /**
   * Removes what a process that died left of an export at {@code where}; what is alive stays.
   *
   * @return what was removed, for humans; empty if nothing was left
   */
  default List<String> clearStale(URI where) throws IOException {
    return List.of();
  }
}
