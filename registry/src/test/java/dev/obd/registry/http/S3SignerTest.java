package dev.obd.registry.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.RegistryClock;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The examples of AWS's own documentation of Signature Version 4 for S3. */
class S3SignerTest {
  private static final Instant THEN = Instant.parse("2013-05-24T00:00:00Z");
  private static final S3Keys KEYS =
      new S3Keys(
          "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Optional.empty());
  private static final S3Options BUCKET =
      S3Options.parse("s3://examplebucket/?region=us-east-1", () -> Optional.of(KEYS));
  private static final String HOST = "https://examplebucket.s3.amazonaws.com";

  private final S3Signer signer = new S3Signer(BUCKET, RegistryClock.SYSTEM);

  private String signature(Call call) {
    String header = signer.signed(call, KEYS, THEN).headers().getOrDefault("Authorization", "");
    assertThat(header)
        .startsWith(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,");
    return header.substring(header.indexOf("Signature=") + "Signature=".length());
  }

  @Test
  void aRangeOfAnObject() {
    Call call = Call.get(URI.create(HOST + "/test.txt")).with("Range", "bytes=0-9");
    assertThat(signature(call))
        .isEqualTo("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  }

  @Test
  void aQueryWithoutValues() {
    assertThat(signature(Call.get(URI.create(HOST + "/?lifecycle"))))
        .isEqualTo("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  }

  @Test
  void aQueryWithValues() {
    assertThat(signature(Call.get(URI.create(HOST + "/?max-keys=2&prefix=J"))))
        .isEqualTo("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  }

  @Test
  void aPreSignedAddress() {
    URI signed = signer.preSigned("GET", URI.create(HOST + "/test.txt"), KEYS, THEN, 86_400);
    assertThat(signed)
        .hasToString(
            HOST
                + "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                + "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
                + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
                + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  }

  @Test
  void bucketsAreNamedByUrl() {
    assertThat(BUCKET.root()).hasToString("https://examplebucket.s3.us-east-1.amazonaws.com/");
    assertThat(root("s3://b1-c/a/b/?region=eu-west-1"))
        .isEqualTo("https://b1-c.s3.eu-west-1.amazonaws.com/a/b/");
    assertThat(root("s3://b1-c/a?endpoint=http://127.0.0.1:9000"))
        .isEqualTo("http://127.0.0.1:9000/b1-c/a/");
    assertThat(root("s3://b1-c?endpoint=http://store:9000/&style=host"))
        .isEqualTo("http://b1-c.store:9000/");
    for (String bad :
        List.of(
            "s3:///x",
            "s3://B/x",
            "s3://bucket/x?style=other",
            "s3://bucket/x?endpoint=ftp://h",
            "s3://bucket/x?nonsense=1",
            "s3://bucket/x?region=A_B",
            "https://bucket/x")) {
      assertThatThrownBy(() -> root(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static String root(String url) {
    return S3Options.parse(url, Optional::empty).root().toString();
  }

  @Test
  void keysComeFromTheEnvironmentAndAreNotPrinted() {
    Optional<S3Keys> keys =
        S3Keys.ofEnvironment(
            Map.of(
                "AWS_ACCESS_KEY_ID", "i", "AWS_SECRET_ACCESS_KEY", "s", "AWS_SESSION_TOKEN", "t"));
    assertThat(keys).contains(new S3Keys("i", "s", Optional.of("t")));
    assertThat(keys.orElseThrow()).hasToString("key i");
    assertThat(S3Keys.ofEnvironment(Map.of("AWS_ACCESS_KEY_ID", "i"))).isEmpty();
  }
}
