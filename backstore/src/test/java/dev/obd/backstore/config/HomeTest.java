package dev.obd.backstore.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HomeTest {
  @Test
  void obdHomeWins() {
    assertThat(Home.resolve(Map.of("OBD_HOME", "/x"), "root", "/root").root())
        .isEqualTo(Path.of("/x"));
  }

  @Test
  void rootKeepsItsThingsInVarLib() {
    assertThat(Home.resolve(Map.of(), "root", "/root").root()).isEqualTo(Path.of("/var/lib/obd"));
  }

  @Test
  void everybodyElseKeepsThemAtHome() {
    assertThat(Home.resolve(Map.of(), "ann", "/home/ann").root())
        .isEqualTo(Path.of("/home/ann/.local/share/obd"));
    assertThat(Home.resolve(Map.of("XDG_DATA_HOME", "/d"), "ann", "/home/ann").root())
        .isEqualTo(Path.of("/d/obd"));
  }
}
