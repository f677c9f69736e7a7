package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs requests without a body. Source: AWS General Reference, Signature Version 4, as S3 has it
 * (paths are encoded once).
 */
final class S3Signer {
  private static final String ALGORITHM = "AWS4-HMAC-SHA256";
  private static final String EMPTY_HASH = hex(sha256(""));
  private static final String UNSIGNED = "UNSIGNED-PAYLOAD";
  private static final int LIFE_SECONDS = 3600;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final S3Options options;
  private final RegistryClock clock;

  S3Signer(S3Options options, RegistryClock clock) {
    this.options = options;
    this.clock = clock;
  }

  /** {@code call} with a signature, by today's keys. */
  Call sign(Call call) {
    Optional<S3Keys> keys = options.keys().get();
    if (keys.isEmpty()) {
      return call;
    }
    Instant now = clock.wallTime();
    return options.preSigned()
        ? call.to(preSigned(call.method(), call.uri(), keys.get(), now, LIFE_SECONDS))
        : signed(call, keys.get(), now);
  }

  /** With {@code Authorization}; signs every header there is. */
  Call signed(Call call, S3Keys keys, Instant now) {
    String time = TIME.format(now);
    Call whole = call.with("x-amz-date", time).with("x-amz-content-sha256", EMPTY_HASH);
    if (keys.session().isPresent()) {
      whole = whole.with("x-amz-security-token", keys.session().get());
    }
    var headers = new TreeMap<String, String>();
    headers.put("host", host(call.uri()));
    whole.headers().forEach((name, value) -> headers.put(lower(name), value.strip()));
    headers.remove("authorization");
    String signature =
        signature(call.method(), call.uri(), query(call.uri()), headers, EMPTY_HASH, keys, time);
    return whole.with(
        "Authorization",
        "%s Credential=%s/%s,SignedHeaders=%s,Signature=%s"
            .formatted(
                ALGORITHM, keys.id(), scope(time), String.join(";", headers.keySet()), signature));
  }

  /** An address that is good by itself for some time; only the host is signed besides. */
  URI preSigned(String method, URI uri, S3Keys keys, Instant now, int lifeSeconds) {
    String time = TIME.format(now);
    List<String> fields = query(uri);
    fields.add("X-Amz-Algorithm=" + ALGORITHM);
    fields.add("X-Amz-Credential=" + encoded(keys.id() + "/" + scope(time)));
    fields.add("X-Amz-Date=" + time);
    fields.add("X-Amz-Expires=" + lifeSeconds);
    fields.add("X-Amz-SignedHeaders=host");
    keys.session().ifPresent(token -> fields.add("X-Amz-Security-Token=" + encoded(token)));
    String signature =
        signature(method, uri, fields, Map.of("host", host(uri)), UNSIGNED, keys, time);
    String text = uri.toString();
    int end = text.indexOf('?');
    return URI.create(
        (end < 0 ? text : text.substring(0, end))
            + "?"
            + String.join("&", fields)
            + "&X-Amz-Signature="
            + signature);
  }

  private String signature(
      String method,
      URI uri,
      List<String> query,
      Map<String, String> headers,
      String payload,
      S3Keys keys,
      String time) {
    var sorted = new TreeMap<>(headers);
    var request = new StringBuilder(method).append('\n').append(path(uri)).append('\n');
    request.append(String.join("&", query.stream().sorted().toList())).append('\n');
    sorted.forEach((name, value) -> request.append(name).append(':').append(value).append('\n'));
    request.append('\n').append(String.join(";", sorted.keySet())).append('\n').append(payload);
    String toSign =
        ALGORITHM + "\n" + time + "\n" + scope(time) + "\n" + hex(sha256(request.toString()));
    byte[] key = ("AWS4" + keys.secret()).getBytes(StandardCharsets.UTF_8);
    for (String part : scope(time).split("/", -1)) {
      key = hmac(key, part);
    }
    return hex(hmac(key, toSign));
  }

  private String scope(String time) {
    return time.substring(0, 8) + "/" + options.region() + "/s3/aws4_request";
  }

  /** Encoded as the server encodes what it decoded, however it was sent. */
  private static String path(URI uri) {
    String path = uri.getPath();
    return path == null || path.isEmpty() ? "/" : encoded(path).replace("%2F", "/");
  }

  private static List<String> query(URI uri) {
    var fields = new ArrayList<String>();
    if (uri.getRawQuery() != null) {
      for (String field : uri.getRawQuery().split("&", -1)) {
        int equals = field.indexOf('=');
        String name = equals < 0 ? field : field.substring(0, equals);
        String value = equals < 0 ? "" : field.substring(equals + 1);
        fields.add(encoded(decoded(name)) + "=" + encoded(decoded(value)));
      }
    }
    return fields;
  }

  private static String host(URI uri) {
    String host = lower(uri.getHost());
    int port = uri.getPort();
    boolean usual = port < 0 || port == (uri.getScheme().equals("https") ? 443 : 80);
    return usual ? host : host + ":" + port;
  }

  private static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  /** All but letters, digits and {@code -._~}. */
  private static String encoded(String text) {
    var out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      if ((c >= 'a' && c <= 'z')
          || (c >= 'A' && c <= 'Z')
          || (c >= '0' && c <= '9')
          || "-._~".indexOf(c) >= 0) {
        out.append(c);
      } else {
        out.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
    return out.toString();
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
