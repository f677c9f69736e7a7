package dev.obd.fuse;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ScriptedDisk;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** A server in a process of its own, so that it can be killed. */
public final class FuseServer {
  private FuseServer() {}

  /**
   * Exports a disk until standard input ends.
   *
   * @param args the URI, the file with the disk's content, "ro", "rw", or "hang" for a disk that
   *     answers no read
   */
  public static void main(String[] args) throws Exception {
    byte[] content = Files.readAllBytes(Path.of(args[1]));
    var disk =
        new ScriptedDisk(
            args[2].equals("rw") ? MemoryDisk.writable(content) : MemoryDisk.readOnly(content));
    if (args[2].equals("hang")) {
      disk.play((_, _, _) -> {
        System.out.println("hanging");
        forEver();
      });
    }
    try (var device = new BlockDevice("child", disk, DeviceOptions.DEFAULTS);
        Export export = new FuseFrontend().export(device, URI.create(args[0]))) {
      System.out.println("serving " + export.address());
      while (System.in.read() >= 0) {
        // until its end
      }
    }
    System.out.println("closed");
  }

  private static void forEver() {
    while (true) {
      LockSupport.park();
    }
  }

  /** The command that runs {@link #main} with only the class path it needs. */
  static List<String> command(List<Path> classPath, String... args) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Xmx256m");
    command.add("-XX:+UseSerialGC");
    command.add("-cp");
    command.add(String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()));
    command.add(FuseServer.class.getName());
    command.addAll(List.of(args));
    return command;
  }

  /** Of this class path: directories, and the libraries that are used here. */
  static List<Path> classPath() throws IOException {
    String all =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(all.split(File.pathSeparator, -1))
        .map(Path::of)
        .filter(entry ->
            Files.isDirectory(entry)
                || entry
                    .getFileName()
                    .toString()
                    .matches("(jnr|jffi|asm|log4j|jspecify|backstore|layer-format).*"))
        .toList();
  }
}
