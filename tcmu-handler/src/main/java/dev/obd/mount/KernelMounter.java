package dev.obd.mount;

import dev.obd.backstore.device.Mounter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@link Mounter} by {@code mount(2)}, or {@code mount(8)} where it must be. */
public final class KernelMounter implements Mounter {
  @Override
  public Optional<String> unavailableBecause() {
    try {
      return Privileges.ofThisProcess().mayMount()
          ? Optional.empty()
          : Optional.of("mounting a device needs root (CAP_SYS_ADMIN)");
    } catch (IOException e) {
      return Optional.of("cannot tell who this process is: " + e.getMessage());
    }
  }

  @Override
  public void mount(Path node, Path directory, String fsType, String options, boolean readOnly)
      throws IOException {
    PlatformThread.callUninterrupted(() -> {
      Path at = directory.toRealPath();
      if (MountProgram.isFor(node.toString())) {
        MountProgram.mount(node, at, fsType, options, readOnly);
      } else {
        DiskMount.mount(node, at, fsType, options, readOnly);
      }
      return at;
    });
  }

  @Override
  public void unmount(Path directory, boolean force) throws IOException {
    PlatformThread.callUninterrupted(() -> {
      // Its own links would be followed into the mount, which may not answer any more.
      Path at = MountPoint.withRealParent(directory.toAbsolutePath());
      Optional<Mounted> mounted = MountTable.read().at(at);
      if (mounted.isPresent()) {
        if (MountProgram.isFor(mounted.get().source())) {
          MountProgram.unmount(at, force);
        } else {
          new DiskMount(at).unmount(force);
        }
      }
      return at;
    });
  }

  @Override
  public List<Mounted> mounts() throws IOException {
    return MountTable.read().entries();
  }
}
