package dev.obd.kernelnbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.FileDisk;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A server in a process of its own, so that it can be killed. */
public final class NbdDeviceServer {
  private NbdDeviceServer() {}

  /**
   * Serves a file until standard input ends.
   *
   * @param args the URI, the file, and the node to resume, if any
   */
  public static void main(String[] args) throws Exception {
    var frontend = new NbdDeviceFrontend();
    var where = URI.create(args[0]);
    try (var device =
            new BlockDevice("child", FileDisk.open(Path.of(args[1])), DeviceOptions.DEFAULTS);
        Export export =
            args.length > 2
                ? frontend.resume(device, where, args[2]).orElseThrow()
                : frontend.export(device, where)) {
      System.out.println("serving " + export.address());
      while (System.in.read() >= 0) {
        // until its end
      }
    }
    System.out.println("closed");
  }

  /** One that serves. */
  record Child(Process process, BufferedReader output, Path node) {
    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }

    /** Ends its input; true if it detached. */
    boolean end() throws IOException {
      process.getOutputStream().close();
      return "closed".equals(output.readLine());
    }
  }

  /** Starts one and waits until it serves. */
  static Child start(String... args) throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            NbdDeviceServer.class.getName()));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
    BufferedReader output = process.inputReader();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith("serving ")) {
        return new Child(process, output, Path.of(line.substring("serving ".length())));
      }
      System.out.println(line);
    }
    throw new IOException("the server ended");
  }
}
