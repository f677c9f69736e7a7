package dev.obd.host;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.FileDisk;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ScriptedDisk;
import dev.obd.mount.KernelMounter;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.CountDownLatch;

/** A front-end in a process of its own, so that it can be killed. */
public final class FrontendServer {
  /** In place of a file: a disk of a mebibyte that does not answer. */
  public static final String HANGS = "hangs";

  private FrontendServer() {}

  /**
   * Serves a file until standard input ends.
   *
   * @param args the URI, the file or {@link #HANGS}, and the node to resume, or "mount" and where
   *     to mount it, if any
   */
  public static void main(String[] args) throws Exception {
    var where = URI.create(args[0]);
    DeviceFrontend frontend =
        ServiceLoader.load(DeviceFrontend.class).stream()
            .map(ServiceLoader.Provider::get)
            .filter(f -> f.scheme().equals(where.getScheme()))
            .findFirst()
            .orElseThrow();
    try (var device = new BlockDevice("child", disk(args[1]), DeviceOptions.DEFAULTS);
        Export export =
            args.length == 3
                ? frontend.resume(device, where, args[2]).orElseThrow()
                : frontend.export(device, where)) {
      System.out.println("serving " + export.address());
      if (args.length > 3) {
        Path node = Path.of(export.address());
        new KernelMounter().mount(node, Path.of(args[3]), "ext4", "", true);
      }
      while (System.in.read() >= 0) {
        // until its end
      }
    }
    System.out.println("closed");
  }

  private static Disk disk(String file) throws IOException {
    if (!file.equals(HANGS)) {
      return FileDisk.open(Path.of(file));
    }
    var disk = new ScriptedDisk(MemoryDisk.writable(1 << 20));
    disk.play((_, _, _) -> {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    });
    return disk;
  }

  /** One that serves. */
  public record Child(Process process, BufferedReader output, Path node) {
    public void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }

    /** Ends its input; true if it detached. */
    public boolean end() throws IOException {
      process.getOutputStream().close();
      return "closed".equals(output.readLine());
    }
  }

  /** Starts one and waits until it serves. */
  public static Child start(String... args) throws IOException {
    Process process = process(args);
    BufferedReader output = process.inputReader();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith("serving ")) {
        return new Child(process, output, Path.of(line.substring("serving ".length())));
      }
      System.out.println(line);
    }
    throw new IOException("the server ended");
  }

  /** Starts one and does not wait. */
  public static Process process(String... args) throws IOException {
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
            FrontendServer.class.getName()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
  }
}
