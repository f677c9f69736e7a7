package dev.obd.registry.http;

import com.sun.net.httpserver.HttpExchange;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Verifies Signature Version 4 as a server does: from what arrived, by the rules of the
 * specification, written down once more and apart from what signs.
 */
final class StrictBucket {
  private StrictBucket() {}

  /** Empty if the request is signed with the keys of {@code like}; else why not. */
  static String refusal(HttpExchange exchange, String host, S3Options like, boolean preSigned) {
    S3Keys keys = like.keys().get().orElseThrow();
    var query = new TreeMap<String, String>();
    String raw = exchange.getRequestURI().getRawQuery();
    if (raw != null) {
      for (String field : raw.split("&")) {
        query.put(field.substring(0, field.indexOf('=')), field.substring(field.indexOf('=') + 1));
      }
    }
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    String given;
    String time;
    String payload;
    List<String> signed;
    String token;
    if (preSigned) {
      given = String.valueOf(query.remove("X-Amz-Signature"));
      time = String.valueOf(query.get("X-Amz-Date"));
      signed = List.of("host");
      payload = "UNSIGNED-PAYLOAD";
      token =
          String.valueOf(query.get("X-Amz-Security-Token")).replace("%2F", "/").replace("%3D", "=");
      if (authorization != null || !"host".equals(query.get("X-Amz-SignedHeaders"))) {
        return "signed twice, or not as agreed";
      }
    } else {
      if (authorization == null || !query.isEmpty()) {
        return "no Authorization";
      }
      given = authorization.substring(authorization.indexOf("Signature=") + 10);
      String names = authorization.replaceFirst(".*SignedHeaders=([^,]*),.*", "$1");
      signed = Arrays.asList(names.split(";"));
      time = String.valueOf(exchange.getRequestHeaders().getFirst("x-amz-date"));
      payload = String.valueOf(exchange.getRequestHeaders().getFirst("x-amz-content-sha256"));
      token = String.valueOf(exchange.getRequestHeaders().getFirst("x-amz-security-token"));
      for (String needed : List.of("host", "x-amz-date", "x-amz-content-sha256")) {
        if (!signed.contains(needed)) {
          return "not signed: " + needed;
        }
      }
      if (exchange.getRequestHeaders().containsKey("Range") && !signed.contains("range")) {
        return "not signed: range";
      }
    }
    if (!token.equals(keys.session().orElse("null"))) {
      return "wrong token";
    }
    var lines = new ArrayList<String>();
    lines.add(exchange.getRequestMethod());
    lines.add(exchange.getRequestURI().getPath().replace(":", "%3A"));
    var fields = new ArrayList<String>();
    query.forEach((name, value) -> fields.add(name + "=" + value));
    lines.add(String.join("&", fields));
    for (String name : signed) {
      String value = name.equals("host") ? host : exchange.getRequestHeaders().getFirst(name);
      lines.add(name.toLowerCase(Locale.ROOT) + ":" + value);
    }
    lines.add("");
    lines.add(String.join(";", signed));
    lines.add(payload);
    String day = time.substring(0, 8);
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
      String text =
          "AWS4-HMAC-SHA256\n%s\n%s/us-east-1/s3/aws4_request\n%s"
              .formatted(time, day, HexFormat.of().formatHex(hash));
      byte[] key = ("AWS4" + keys.secret()).getBytes(StandardCharsets.UTF_8);
      for (String part : List.of(day, "us-east-1", "s3", "aws4_request", text)) {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        key = mac.doFinal(part.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(key).equals(given) ? "" : "SignatureDoesNotMatch";
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
