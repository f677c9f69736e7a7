package dev.obd.testdata;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The registry behind the faults: authentication, the distribution API, redirects to a second
 * origin. Thread-safe.
 */
final class HonestService {
  static final String REGISTRY = "registry";
  static final String CDN = "cdn";

  private final Gate gate;
  private final Distribution distribution;
  private final SignedUrls urls = new SignedUrls();
  private final @Nullable Duration redirect;
  private final boolean relativeLocations;

  /**
   * @param redirect how long a redirect's URL works; null: no redirects
   */
  HonestService(
      Gate gate, Distribution distribution, @Nullable Duration redirect, boolean relative) {
    this.gate = gate;
    this.distribution = distribution;
    this.redirect = redirect;
    this.relativeLocations = relative;
  }

  /** Answers a request; URLs in the answer name these hosts. */
  Reply answer(Call call, InputStream body, String host, String cdnHost) throws IOException {
    if (call.isToken()) {
      return gate.token(call);
    }
    if (SignedUrls.matches(call.path())) {
      Reply refusal = urls.refuse(call);
      return refusal != null ? refusal : distribution.answer(at(call), body);
    }
    if (call.origin().equals(CDN)) {
      return Reply.error(404, "NOT_FOUND", call.path());
    }
    Reply refusal = gate.refuse(call, host);
    if (refusal != null) {
      return refusal;
    }
    Reply reply = distribution.answer(call, body);
    if (redirect != null && call.isBlobRead() && reply.status < 300) {
      String url = urls.sign(call.path(), redirect);
      return new Reply(307).with("Location", relativeLocations ? url : "http://" + cdnHost + url);
    }
    String location = reply.headers.get("Location");
    if (location != null && !relativeLocations) {
      reply.with("Location", "http://" + host + location);
    }
    return reply;
  }

  private static Call at(Call signed) {
    return new Call(
        signed.origin(),
        signed.method(),
        SignedUrls.target(signed.path()),
        Map.of(),
        signed.headers(),
        signed.attempt(),
        signed.number());
  }
}
