package dev.obd.backstore.device;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** A {@link DeviceHandler} at work. Thread-safe. */
public interface Handling extends Closeable {
  /**
   * Makes a device in the kernel; the source is asked to open {@code config}. Returns once its node
   * can be opened; what was made so far is undone on failure.
   *
   * @param name unique among this handler's devices: letters, digits, {@code -} and {@code _}
   * @throws IOException if a step fails; the message says which, and why the image did not open
   */
  HandledDevice create(String name, String config) throws IOException, InterruptedException;

  /**
   * Takes a device that {@link #create} made, now or in an earlier process, out of the kernel.
   *
   * @param force even if it is in use
   * @throws BusyException if it is in use and not forced; the message says by what, as far as known
   * @throws IOException if it is unknown, or a step fails
   */
  void remove(String name, boolean force) throws IOException, InterruptedException;

  /**
   * Says that the size of a device's {@link BlockDevice} has changed. Empty if its users know now;
   * otherwise one sentence saying when they will.
   *
   * @param name as in {@link #create}
   */
  default Optional<String> resized(String name) throws IOException {
    return Optional.of("the kernel sees the new size when the device is made again");
  }

  /** All that are served or parked, in no order. */
  List<HandledDevice> devices();

  /**
   * Stops serving and leaves the devices, with requests that come from now on, to the next process.
   * Requests under way are finished first.
   */
  @Override
  void close() throws IOException;
}
