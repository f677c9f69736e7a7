package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MountsTest {
  @TempDir Path dir;

  @Test
  void aBusyFileSystemStaysUntilItIsFree() throws IOException {
    assumeTrue(System.getProperty("user.name").equals("root"), "mounting needs root");
    Mounts.mount("test", dir, "tmpfs", Mounts.NO_SUID | Mounts.NO_DEVICES, "size=1m");
    Path file = Files.writeString(dir.resolve("f"), "x");
    try (Fd open = Fd.open(file, Fd.READ_ONLY)) {
      assertThatThrownBy(() -> Mounts.unmount(dir, 0))
          .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.is(Errno.EBUSY)).isTrue())
          .hasMessageStartingWith("umount(" + dir + ")");
      assertThat(open.name()).isEqualTo(file.toString());
    }
    Mounts.unmount(dir, 0);
    assertThat(file).doesNotExist();
  }

  @Test
  void theThreadThatMountsLeavesOurDescriptorsAlone() throws IOException {
    Path file = Files.writeString(dir.resolve("f"), "still here");
    try (Fd open = Fd.open(file, Fd.READ_ONLY)) {
      assertThatThrownBy(() -> Mounts.unmount(dir, 0)).isInstanceOf(ErrnoException.class);
      var bytes = java.nio.ByteBuffer.allocateDirect(16);
      assertThat(open.read(bytes)).isEqualTo(10);
    }
  }

  @Test
  void anUnknownFileSystemIsAnErrorThatNamesEverything() {
    assumeTrue(System.getProperty("user.name").equals("root"), "mounting needs root");
    assertThatThrownBy(() -> Mounts.mount("test", dir, "nosuchfs", 0, null))
        .hasMessage(
            "mount(test at " + dir + ", type nosuchfs, options null): ENODEV: no such device");
  }
}
