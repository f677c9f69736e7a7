package dev.obd.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReferenceTest {
  private static final String HEX =
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

  @ParameterizedTest
  @CsvSource({
    "ubuntu, docker.io/library/ubuntu:latest, registry-1.docker.io",
    "ubuntu:22.04, docker.io/library/ubuntu:22.04, registry-1.docker.io",
    "team/app, docker.io/team/app:latest, registry-1.docker.io",
    "docker.io/ubuntu, docker.io/library/ubuntu:latest, registry-1.docker.io",
    "index.docker.io/a/b:c, docker.io/a/b:c, registry-1.docker.io",
    "localhost/app, localhost/app:latest, localhost",
    "localhost:5000/app:v1, localhost:5000/app:v1, localhost:5000",
    "reg.example/a/b/c:X_y.z-1, reg.example/a/b/c:X_y.z-1, reg.example",
    "REG.example:443/a, reg.example:443/a:latest, reg.example:443",
    "127.0.0.1:5000/a, 127.0.0.1:5000/a:latest, 127.0.0.1:5000",
    "[::1]:5000/a:t, [::1]:5000/a:t, [::1]:5000",
    "h:1/a__b/c-d.e/f--g, h:1/a__b/c-d.e/f--g:latest, h:1",
  })
  void defaultsAreFilledIn(String text, String canonical, String endpoint) {
    ImageReference reference = ImageReference.parse(text);
    assertThat(reference).hasToString(canonical);
    assertThat(reference.endpoint()).isEqualTo(endpoint);
    assertThat(ImageReference.parse(canonical)).isEqualTo(reference);
  }

  @ParameterizedTest
  @CsvSource({
    "h:1/a@sha256:" + HEX + ", h:1/a@sha256:" + HEX,
    "h:1/a:t@sha256:" + HEX + ", h:1/a:t@sha256:" + HEX,
  })
  void aDigestIsAskedForRatherThanATag(String text, String canonical) {
    ImageReference reference = ImageReference.parse(text);
    assertThat(reference).hasToString(canonical);
    assertThat(reference.tagOrDigest()).isEqualTo("sha256:" + HEX);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        ":",
        "@",
        "Ubuntu",
        "a b",
        "a/",
        "/a",
        "a//b",
        "h:0/a",
        "h:65536/a",
        "h:x/a",
        "h:/a",
        "-h.x/a",
        "[::1/a",
        "a:",
        "a:-x",
        "a@",
        "a@sha256:12",
        "a@sha512:" + HEX + HEX,
        "a:t:u",
        "a_-b",
        ".a",
        "a.",
        "http://h.x/a",
        "user@h.x/a",
        "h.x/a\n",
        "h.x/é",
      })
  void anythingElseIsRefused(String text) {
    assertThatThrownBy(() -> ImageReference.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void nonsenseIsRefusedOrCanonical(long seed) {
    var random = new SplittableRandom(seed);
    String alphabet = "a0._-/:@[]Z %\u0000";
    for (int i = 0; i < 5_000; i++) {
      var text = new StringBuilder();
      for (int length = random.nextInt(300); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(random.nextBoolean() ? 3 : alphabet.length())));
      }
      try {
        ImageReference reference = ImageReference.parse(text.toString());
        assertThat(ImageReference.parse(reference.toString())).isEqualTo(reference);
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).doesNotContain("\u0000");
      }
    }
  }
}
