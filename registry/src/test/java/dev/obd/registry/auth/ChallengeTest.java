package dev.obd.registry.auth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChallengeTest {
  private static Challenge bearer(String... fields) {
    var map = new java.util.HashMap<String, String>();
    for (int i = 0; i < fields.length; i += 2) {
      map.put(fields[i], fields[i + 1]);
    }
    return new Challenge("bearer", map);
  }

  @Test
  void commasInQuotesSeparateNothing() {
    assertThat(
            Challenge.parse(
                List.of(
                    "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull,push\"")))
        .containsExactly(
            bearer("realm", "https://a/t", "service", "s", "scope", "repository:a:pull,push"));
  }

  @Test
  void severalChallengesMayComeInOneLineOrInMany() {
    var basic = new Challenge("basic", Map.of("realm", "x"));
    var token = bearer("realm", "https://a/t");
    assertThat(Challenge.parse(List.of("Basic realm=x, Bearer realm=\"https://a/t\"")))
        .containsExactly(basic, token);
    assertThat(Challenge.parse(List.of("Basic realm=\"x\"", "Bearer realm=\"https://a/t\"")))
        .containsExactly(basic, token);
  }

  @Test
  void spellingDoesNotMatter() {
    assertThat(
            Challenge.parse(
                List.of(
                    "  BEARER\t Service = s ,, REALM = \"https://a/t?x=1&y=2\" , empty=\"\"  ")))
        .containsExactly(bearer("service", "s", "realm", "https://a/t?x=1&y=2", "empty", ""));
  }

  @Test
  void quotesMayBeEscaped() {
    assertThat(Challenge.parse(List.of("Bearer realm=\"a\\\"b\\\\c\"")))
        .containsExactly(bearer("realm", "a\"b\\c"));
  }

  @Test
  void tokensOfOtherSchemesAreSteppedOver() {
    assertThat(
            Challenge.preferred(
                Challenge.parse(List.of("Negotiate YWJj==, Bearer realm=\"https://a/t\""))))
        .contains(bearer("realm", "https://a/t"));
  }

  @Test
  void bearerIsPreferredAndTheFirstOfTwoIsTaken() {
    assertThat(
            Challenge.preferred(
                Challenge.parse(
                    List.of(
                        "Basic realm=x",
                        "Bearer error=\"x\"",
                        "Bearer realm=\"https://1/\"",
                        "Bearer realm=\"https://2/\""))))
        .contains(bearer("realm", "https://1/"));
    assertThat(Challenge.preferred(List.of())).isEmpty();
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anythingElseEndsInFewChallenges(long seed) {
    var random = new SplittableRandom(seed);
    String alphabet = "aB=,\" \\;/é\t?";
    for (int i = 0; i < 20_000; i++) {
      var text = new StringBuilder();
      for (int length = random.nextInt(60); length > 0; length--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(Challenge.parse(List.of(text.toString()))).hasSizeLessThanOrEqualTo(16);
    }
  }
}
