package dev.obd.backstore.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.testdata.Golden;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DeviceConfigReaderTest {
  private static final Path BASE = Path.of("/base");

  @Test
  void readsEveryKeyOfTheOriginal() throws Exception {
    DeviceConfig config =
        DeviceConfigReader.parse(
            "c",
            """
            {"repoBlobUrl":"https://r/v2/a/blobs","resultFile":"log","accelerationLayer":true,
             "download":{"enable":true},
             "lowers":[{"digest":"sha256:00","size":4739584,"dir":"/d"},
                       {"file":"meta","targetDigest":"sha256:01","gzipIndex":"/g"}],
             "upper":{"index":"i","data":"d","vsize":3},"later":1}
            """,
            BASE);
    assertThat(config.repoBlobUrl()).isEqualTo("https://r/v2/a/blobs");
    assertThat(config.resultFile()).contains(Path.of("/base/log"));
    assertThat(config.accelerationLayer()).isTrue();
    assertThat(config.lowers()).hasSize(2);
    assertThat(config.lowers().get(0).size()).isEqualTo(4739584);
    assertThat(config.lowers().get(0).dir()).contains(Path.of("/d"));
    assertThat(config.lowers().get(1).isWarp()).isTrue();
    assertThat(config.upper().orElseThrow().data()).isEqualTo(Path.of("/base/d"));
    assertThat(config.unknownKeys()).containsExactly("later");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"lowers\":3}|lowers: expected an array",
        "{\"lowers\":[3]}|lowers[0]: expected an object",
        "{\"lowers\":[{\"file\":3}]}|lowers[0].file: expected a string",
        "{\"lowers\":[{\"file\":\"a\",\"size\":1e999999999}]}|lowers[0].size: expected a whole number",
        "{\"lowers\":[{\"file\":\"a\",\"size\":-1}]}|lowers[0].size: expected a whole number",
        "{\"lowers\":[{\"file\":\"a\",\"size\":99999999999999999999}]}|lowers[0].size: expected a whole number",
        "{\"lowers\":[{\"file\":\"a\"}],\"accelerationLayer\":\"yes\"}|accelerationLayer: expected true or false",
        "{}|at least one layer",
        "[]|top level: expected a JSON object",
        "{\"lowers\":[],}|not valid JSON",
        "{} {}|not valid JSON",
        "{\"upper\":{\"index\":\"i\"}}|at least one layer",
        "{\"lowers\":[{\"file\":\"a\"}],\"accelerationLayer\":true,\"recordTracePath\":\"t\"}|recordTracePath"
      })
  void refusesWhatItCannotMeanAndNamesTheKey(String text, String message) {
    assertThatThrownBy(() -> DeviceConfigReader.parse("the-file", text, BASE))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("the-file: ")
        .hasMessageContaining(message);
  }

  @Test
  void nestingWithoutEndIsAnErrorAndNotACrash() {
    assertThatThrownBy(() -> DeviceConfigReader.parse("f", "{\"a\":" + "[".repeat(500_000), BASE))
        .isInstanceOf(ConfigException.class);
  }

  @Test
  void readsTheConfigsOfTheGoldenVectors() throws Exception {
    List<Path> configs;
    try (var walk = Files.walk(Golden.dir())) {
      configs = walk.filter(p -> p.getFileName().toString().matches("config.*\\.json")).toList();
    }
    assertThat(configs).hasSizeGreaterThan(40);
    for (Path config : configs) {
      assertThat(DeviceConfigReader.read(config, config.getParent()).unknownKeys()).isEmpty();
    }
  }
}
