package dev.obd.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceModelTest {
  @ParameterizedTest
  @ValueSource(
      strings = {"a2-rw-16m", "a3-rw-group-commit", "a4-rw-sparse", "b7-commit-256-entries"})
  void theModelOfEachVectorsOperationsHasTheDigestInTheManifest(String id) throws IOException {
    JsonObject vector = vector(id);
    var model = new DeviceModel(vector.get("virtual_size").getAsLong());
    model.apply(Ops.read(Golden.dir().resolve(id).resolve("ops.txt")));
    assertThat(model.sha256()).isEqualTo(vector.get("device_sha256").getAsString());
    for (JsonElement probe : vector.getAsJsonArray("probes")) {
      JsonObject p = probe.getAsJsonObject();
      byte[] bytes = model.read(p.get("offset").getAsLong(), p.get("length").getAsInt());
      assertThat(DeviceModel.sha256(bytes)).isEqualTo(p.get("sha256").getAsString());
    }
  }

  @Test
  void aTrimReadsAsZerosAndLeavesItsNeighbours() {
    var model = new DeviceModel(1 << 20);
    model.write(4000, Contents.of("ff", 0, 9000));
    model.trim(4096, 8192);
    assertThat(model.read(4095, 8194)).startsWith(0xff, 0).endsWith(0, 0xff);
    assertThat(model.copy(8192).size()).isEqualTo(8192);
  }

  @Test
  void opsAreParsedLineByLine() {
    assertThat(Ops.parse("# comment\n\nwrite 512 1024 rand 7\ntrim 0 512\nsync\ngroup 4096\n"))
        .isEqualTo(
            List.of(
                new Ops.Write(512, 1024, "rand", 7),
                new Ops.Trim(0, 512),
                new Ops.Sync(),
                new Ops.Group(4096)));
  }

  private static JsonObject vector(String id) throws IOException {
    var manifest = JsonParser.parseString(Files.readString(Golden.dir().resolve("MANIFEST.json")));
    return StreamSupport.stream(
            manifest.getAsJsonObject().getAsJsonArray("vectors").spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .filter(v -> v.get("id").getAsString().equals(id))
        .findFirst()
        .orElseThrow();
  }
}
