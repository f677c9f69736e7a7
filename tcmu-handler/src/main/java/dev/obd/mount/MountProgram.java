package dev.obd.mount;

import dev.obd.backstore.device.BusyException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code mount(8)}, a process of its own, for disks whose driver lets go of a server only when all
 * of it has ended: a thread of the server that waits for the disk would keep it from ending.
 */
final class MountProgram {
  private static final int MAX_COMPLAINT_BYTES = 4096;

  private MountProgram() {}

  /** True for nodes that are mounted and unmounted this way. */
  static boolean isFor(String node) {
    return node.startsWith("/dev/ublkb");
  }

  /** See {@link DiskMount#mount}. */
  static void mount(Path node, Path at, String fileSystem, String options, boolean readOnly)
      throws IOException {
    var command = new ArrayList<>(List.of("mount", "-t", fileSystem));
    String all = options + (readOnly ? (options.isEmpty() ? "ro" : ",ro") : "");
    if (!all.isEmpty()) {
      command.addAll(List.of("-o", all));
    }
    command.addAll(List.of(node.toString(), at.toString()));
    run(command);
  }

  /** See {@link DiskMount#unmount}. */
  static void unmount(Path at, boolean force) throws IOException {
    try {
      run(force ? List.of("umount", "-l", at.toString()) : List.of("umount", at.toString()));
    } catch (IOException e) {
      throw String.valueOf(e.getMessage()).contains("busy")
          ? new BusyException(Users.inUse(at), e)
          : e;
    }
  }

  private static void run(List<String> command) throws IOException {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C"); // its complaints are looked at
    Process process = builder.start();
    process.getOutputStream().close();
    byte[] complaint = process.getInputStream().readNBytes(MAX_COMPLAINT_BYTES);
    try {
      int status = process.waitFor();
      if (status != 0) {
        String text = new String(complaint, StandardCharsets.UTF_8).strip();
        throw new IOException(String.join(" ", command) + ": status " + status + ": " + text);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted: " + String.join(" ", command));
    }
  }
}
