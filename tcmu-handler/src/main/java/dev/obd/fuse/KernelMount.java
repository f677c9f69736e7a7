package dev.obd.fuse;

import dev.obd.backstore.device.BusyException;
import dev.obd.mount.Privileges;
import dev.obd.mount.Users;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.Mounts;
import java.io.IOException;
import java.nio.file.Path;

/** With {@code mount(2)}, for a process that may. */
record KernelMount(Privileges self) implements FuseMount {
  private static final String SOURCE = "obd";
  private static final String REGULAR_FILE = "100000"; // S_IFREG, octal

  @Override
  public Fd mount(Path file, boolean readOnly) throws IOException {
    Fd fuse = Fd.open(Channel.DEVICE, Fd.READ_WRITE);
    try {
      String data =
          "fd=%d,rootmode=%s,user_id=%d,group_id=%d"
              .formatted(fuse.number(), REGULAR_FILE, self.user(), self.group());
      long flags = Mounts.NO_SUID | Mounts.NO_DEVICES | (readOnly ? Mounts.READ_ONLY : 0);
      Mounts.mountOpen(SOURCE, file, TYPE, flags, data);
      return fuse;
    } catch (IOException e) {
      fuse.close();
      throw e;
    }
  }

  @Override
  public void unmount(Path file, boolean force) throws IOException {
    try {
      Mounts.unmount(file, force ? Mounts.FORCE | Mounts.DETACH : 0);
    } catch (ErrnoException e) {
      throw e.is(Errno.EBUSY) ? new BusyException(Users.inUse(file), e) : e;
    }
  }
}
