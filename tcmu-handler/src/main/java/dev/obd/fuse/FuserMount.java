package dev.obd.fuse;

import dev.obd.backstore.device.BusyException;
import dev.obd.mount.Users;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.FdHelper;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** With the set-user-id program {@code fusermount3}, for a process that may not mount itself. */
record FuserMount(Path program) implements FuseMount {
  private static final String SOCKET_VARIABLE = "_FUSE_COMMFD";

  /** The program, if this machine has it. */
  static Optional<Path> find() {
    return Requirements.onPath("fusermount3");
  }

  @Override
  public Fd mount(Path file, boolean readOnly) throws IOException {
    String options = (readOnly ? "ro" : "rw") + ",nosuid,nodev,fsname=obd,subtype=obd";
    return FdHelper.receive(
        program, List.of("-o", options, "--", file.toString()), SOCKET_VARIABLE);
  }

  @Override
  public void unmount(Path file, boolean force) throws IOException {
    // It cannot abort; with -z the connection ends when this process closes its descriptors.
    var command = List.of(program.toString(), force ? "-uz" : "-u", "--", file.toString());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        var failure = new IOException(String.join(" ", command) + ": " + said.strip());
        throw said.contains("busy") ? new BusyException(Users.inUse(file), failure) : failure;
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while unmounting " + file);
    }
  }
}
