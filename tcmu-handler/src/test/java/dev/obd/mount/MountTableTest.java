package dev.obd.mount;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.Mounter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class MountTableTest {
  @Test
  void findsTheTopmostMountByItsUnescapedPath() {
    MountTable table =
        MountTable.parse(
            List.of(
                "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
                "40 22 0:40 / /a\\040b\\134c rw - fuse.obd obd rw,user_id=0",
                "41 22 7:0 / /a\\040b\\134c ro master:2 propagate_from:3 - ext4 /dev/loop0 ro",
                "damaged line"));
    assertThat(table.at(Path.of("/a b\\c")))
        .contains(new Mounter.Mounted(Path.of("/a b\\c"), "ext4", "/dev/loop0"));
    assertThat(table.at(Path.of("/a"))).isEmpty();
    assertThat(table.entries()).hasSize(3);
  }

  @Test
  void readsThisMachines() throws IOException {
    assertThat(MountTable.read().at(Path.of("/proc")))
        .hasValueSatisfying(entry -> assertThat(entry.type()).isEqualTo("proc"));
  }
}
