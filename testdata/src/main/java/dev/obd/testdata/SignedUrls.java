package dev.obd.testdata;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** URLs under {@code /cdn} that open a blob for a while, as object stores make them. */
final class SignedUrls {
  private static final String PREFIX = "/cdn";

  private final String secret = UUID.randomUUID().toString();

  /** A path with a signature that {@link #refuse} accepts for {@code lifetime}. */
  String sign(String path, Duration lifetime) {
    long expires = System.nanoTime() + lifetime.toNanos();
    return PREFIX + path + "?expires=" + expires + "&sig=" + signature(path, expires);
  }

  static boolean matches(String path) {
    return path.startsWith(PREFIX + "/");
  }

  /** The registry's path of what a signed URL is about. */
  static String target(String path) {
    return path.substring(PREFIX.length());
  }

  /** The refusal, or null if the request may pass. */
  @Nullable Reply refuse(Call call) {
    if (call.headers().containsKey("authorization")) {
      return xml(400, "InvalidArgument: Only one auth mechanism allowed");
    }
    long expires = Long.parseLong(call.query().getOrDefault("expires", "0"));
    String signature = signature(target(call.path()), expires);
    if (!signature.equals(call.query().get("sig"))) {
      return xml(403, "SignatureDoesNotMatch");
    }
    return System.nanoTime() - expires > 0 ? xml(403, "AccessDenied: Request has expired") : null;
  }

  private static Reply xml(int status, String code) {
    String body = "<Error><Code>" + code + "</Code></Error>";
    return new Reply(status)
        .with("Content-Type", "application/xml")
        .whole(Content.of(body.getBytes(StandardCharsets.UTF_8)));
  }

  private String signature(String path, long expires) {
    return Store.digest((secret + path + expires).getBytes(StandardCharsets.UTF_8)).substring(7);
  }
}
