package dev.obd.mount;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class PrivilegesTest {
  @Test
  void takesTheEffectiveIdentity() throws IOException {
    List<String> status =
        List.of("Name:\tx", "Uid:\t1\t2\t3\t4", "Gid:\t5\t6\t7\t8", "CapEff:\t0000000000200000");
    assertThat(Privileges.parse(status)).isEqualTo(new Privileges(2, 6, true));
  }

  @Test
  void withoutTheCapabilityItMayNotMount() throws IOException {
    List<String> status =
        List.of("Uid:\t0\t0\t0\t0", "Gid:\t0\t0\t0\t0", "CapEff:\tffffffffffdfffff");
    assertThat(Privileges.parse(status).mayMount()).isFalse();
  }

  @Test
  void aMissingFieldIsNamed() {
    assertThatThrownBy(() -> Privileges.parse(List.of("Uid:\t0\t0\t0\t0")))
        .hasMessageContaining("Gid:");
  }
}
