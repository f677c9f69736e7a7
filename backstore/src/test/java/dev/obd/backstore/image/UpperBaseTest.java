package dev.obd.backstore.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpperBaseTest {
  @TempDir private Path dir;

  private static ImagePlan plan(String... layers) {
    List<LayerOrigin> lowers =
        Arrays.stream(layers)
            .map(layer ->
                LayerOrigin.remote(
                    Digest.of(layer.getBytes(StandardCharsets.UTF_8)),
                    "host",
                    () -> {
                      throw new IOException("not to be opened");
                    }))
            .toList();
    return new ImagePlan("app:v1", lowers, new ImagePlan.TraceUse.None(), Optional.empty());
  }

  @Test
  void aWritableLayerGoesOverTheLayersItWasMadeForOnly() throws IOException {
    UpperBase.write(dir, plan("a", "b"));
    assertThatCode(() -> UpperBase.require(dir, plan("a", "b"))).doesNotThrowAnyException();
    for (ImagePlan other :
        List.of(plan("a"), plan("b", "a"), plan("a", "c"), plan("a", "b", "c"))) {
      assertThatThrownBy(() -> UpperBase.require(dir, other))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("made over other layers than app:v1 has");
    }
  }

  @Test
  void whatIsNotKnownIsNotRefused() throws IOException {
    assertThatCode(() -> UpperBase.require(dir, plan("a"))).doesNotThrowAnyException();
    UpperBase.write(dir, plan("a"));
    ImagePlan file =
        new ImagePlan(
            "layer",
            List.of(LayerOrigin.file(dir.resolve("layer"))),
            new ImagePlan.TraceUse.None(),
            Optional.empty());
    assertThatCode(() -> UpperBase.require(dir, file)).doesNotThrowAnyException();
    UpperBase.write(dir, file);
    assertThatCode(() -> UpperBase.require(dir, plan("b"))).doesNotThrowAnyException();
  }

  @Test
  void sourcesDoNotShareADirectory() {
    assertThat(UpperBase.directoryName("host/app:v1"))
        .isNotEqualTo(UpperBase.directoryName("host_app_v1"))
        .isNotEqualTo(UpperBase.directoryName("host/app_v1"))
        .matches("host_app_v1-[0-9a-f]{12}");
    assertThat(UpperBase.directoryName("/long/".repeat(100))).hasSizeLessThan(100);
  }
}
