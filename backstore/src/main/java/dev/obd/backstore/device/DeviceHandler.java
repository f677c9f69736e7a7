package dev.obd.backstore.device;

import java.io.IOException;
import java.util.Optional;

/**
 * A front-end whose devices are made by others: the kernel says which are to be served, and keeps
 * them, with their outstanding requests, when this process dies. Found by {@link
 * java.util.ServiceLoader}.
 */
public interface DeviceHandler {
  /** What it is called where one is chosen: {@code tcmu}. */
  String name();

  /**
   * Empty if this machine can run it; otherwise one sentence saying what is missing and how to get
   * it.
   */
  Optional<String> unavailableBecause();

  /**
   * Takes over the devices an earlier process left behind and serves every device the kernel adds,
   * until closed. Returns once no event can be missed any more; devices left behind may still be
   * opening. At most one in a process.
   */
  Handling start(DeviceSource source) throws IOException, InterruptedException;
}
