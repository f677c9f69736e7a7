package dev.obd.tcmu;

import dev.obd.backstore.device.FileDisk;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.backstore.device.Handling;
import java.nio.file.Path;

/** A handler in a process of its own, so that it can be killed. */
public final class TcmuServer {
  private TcmuServer() {}

  /**
   * Serves a file until it is killed.
   *
   * @param args the name of the device, which is made if it does not exist, and the file
   */
  public static void main(String[] args) throws Exception {
    var source = new DisksByConfig();
    source.put(args[0], () -> FileDisk.open(Path.of(args[1])));
    Handling handling = new TcmuHandler().start(source);
    if (handling.devices().isEmpty()) {
      handling.create(args[0], "lab/" + args[0]);
    }
    Await.until(handling::devices, all -> all.getFirst().state() instanceof State.Serving);
    System.out.println("serving " + handling.devices().getFirst().node().orElseThrow());
    Thread.currentThread().join();
  }
}
