package dev.obd.tcmu.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.nativeio.NetlinkSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class MembersTest {
  /** The group "notify" of generic netlink's controller, which is everywhere. */
  private static final int CONTROLLER = 16;

  @Test
  void aGroupHasMembersIfASocketOfGenericNetlinkIsInIt() {
    List<String> table =
        List.of(
            "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode",
            "000000004cd21bfd 16  1742       00000008 0        0        0     2        0        15243",
            "000000000d1b8ab8 16  2          80000000 0        0        0     2        0        1",
            "00000000f1e2d3c4 15  1          ffffffff 0        0        0     2        0        2",
            "",
            "nonsense 16 x zz");
    assertThat(Members.has(4, table)).isTrue();
    assertThat(Members.has(32, table)).isTrue();
    for (int group : new int[] {-1, 0, 1, 2, 3, 5, 31, 33, 36}) {
      assertThat(Members.has(group, table)).as("group %s", group).isFalse();
    }
  }

  @Test
  void theKernelShowsASocketUntilItLeaves() throws Exception {
    Assumptions.assumeTrue(
        Files.isReadable(Path.of("/proc/net/netlink")), "there is no /proc/net/netlink");
    try (NetlinkSocket socket = NetlinkSocket.open()) {
      boolean before = Members.has(CONTROLLER);
      socket.join(CONTROLLER);
      assertThat(Members.has(CONTROLLER)).isTrue();
      socket.leave(CONTROLLER);
      assertThat(Members.has(CONTROLLER)).isEqualTo(before);
    }
  }
}
