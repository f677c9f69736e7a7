package dev.obd.backstore.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialFileTest {
  /** A lock of POSIX goes with any descriptor of its file that the process closes. */
  @Test
  void itsLockOutlivesANewLengthAndWhoeverElseTries(@TempDir Path directory) throws IOException {
    Path path = directory.resolve("part");
    try (PartialFile file = PartialFile.open(path, 0)) {
      file.setSize(1 << 20);
      assertThat(Files.size(path)).isEqualTo(1 << 20);
      String locked = ":" + Files.getAttribute(path, "unix:ino") + " ";
      assertThat(Files.readString(Path.of("/proc/locks"))).contains(locked);
      assertThatThrownBy(() -> PartialFile.open(path, 0))
          .isInstanceOf(PartialFile.BusyElsewhere.class);
      assertThat(Files.readString(Path.of("/proc/locks"))).contains(locked);
      file.setSize(4096);
      assertThat(Files.size(path)).isEqualTo(4096);
    }
    PartialFile.open(path, 0).close();
  }
}
