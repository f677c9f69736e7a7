package dev.obd.fuse;

import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.Export;
import dev.obd.mount.PlatformThread;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What was set up, and how to take it away again: the last first. A step that fails stays, with
 * those before it, and {@link #close} can be called again.
 */
final class FuseExport implements Export {
  /** Undoes one step, with {@code force} even if it is in use. */
  @FunctionalInterface
  interface Undo {
    void run(boolean force) throws IOException;
  }

  /** Passes a new size of the device on. */
  @FunctionalInterface
  interface Resize {
    void run() throws IOException;
  }

  private record Step(String name, Undo undo) {}

  private static final Logger log = LogManager.getLogger(FuseExport.class);

  private final Deque<Step> steps = new ArrayDeque<>();

  /** What has to hear of a new size, in this order. */
  private final List<Resize> resizes = new ArrayList<>();

  private String address = "";

  /** A step is done. {@code name} says what undoing it does. */
  void add(String name, Undo undo) {
    steps.push(new Step(name, undo));
  }

  /** {@code resize} is to be run when the device's size has changed. */
  void addResize(Resize resize) {
    resizes.add(resize);
  }

  @Override
  public Optional<String> resized() throws IOException {
    return PlatformThread.callUninterrupted(() -> {
      passSizeOn();
      return Optional.empty();
    });
  }

  private synchronized void passSizeOn() throws IOException {
    if (steps.isEmpty()) {
      return; // closed
    }
    for (Resize resize : resizes) {
      resize.run();
    }
  }

  /** What clients use from now on. */
  void addressIs(Object newAddress) {
    address = newAddress.toString();
  }

  @Override
  public String address() {
    return address;
  }

  @Override
  public void close() throws IOException {
    close(false);
  }

  @Override
  public void close(boolean force) throws IOException {
    PlatformThread.callUninterrupted(() -> {
      undoAll(force);
      return "";
    });
  }

  private synchronized void undoAll(boolean force) throws IOException {
    List<String> done = new ArrayList<>();
    while (!steps.isEmpty()) {
      Step step = steps.element();
      try {
        step.undo().run(force);
      } catch (IOException e) {
        String before = done.isEmpty() ? "" : " (done: " + String.join(", ", done) + ")";
        String reason = "cannot " + step.name() + before + ": ";
        throw e instanceof BusyException
            ? new BusyException(reason + "busy: " + e.getMessage(), e)
            : new IOException(reason + e.getMessage(), e);
      }
      log.info("fuse.detach step=\"{}\"", step.name());
      done.add(step.name());
      steps.remove();
    }
  }

  /** After a failed start: undoes what can be undone and adds the rest to {@code cause}. */
  void abandon(Throwable cause) {
    while (!steps.isEmpty()) {
      try {
        steps.remove().undo().run(false);
      } catch (IOException e) {
        cause.addSuppressed(e);
      }
    }
  }
}
