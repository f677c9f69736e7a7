package dev.obd.registry.http;

import java.net.URI;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * A bucket of an S3-compatible object store, and how to ask for its objects.
 *
 * @param endpoint {@code http[s]://host[:port]}
 * @param region what signatures are made for
 * @param prefix of all keys, without slashes at its ends; may be empty
 * @param pathStyle the bucket is in the path, not before the host's name
 * @param preSigned the signature is in the query, not in a header
 * @param keys asked for each request, so that rotated ones are used; empty: requests are not signed
 */
public record S3Options(
    URI endpoint,
    String region,
    String bucket,
    String prefix,
    boolean pathStyle,
    boolean preSigned,
    Supplier<Optional<S3Keys>> keys) {
  private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
  private static final Pattern PREFIX = Pattern.compile("[A-Za-z0-9._/=@-]{0,512}");
  private static final Pattern REGION = Pattern.compile("[a-z0-9-]{1,64}");
  private static final Set<String> KNOWN = Set.of("endpoint", "region", "style", "sign");

  public S3Options {
    require(BUCKET.matcher(bucket).matches(), "a bucket's name", bucket);
    require(PREFIX.matcher(prefix).matches(), "a prefix of plain characters", prefix);
    require(REGION.matcher(region).matches(), "a region", region);
    boolean http = endpoint.getScheme() != null && endpoint.getScheme().matches("https?");
    require(
        http && endpoint.getHost() != null && endpoint.getUserInfo() == null,
        "an endpoint http[s]://host[:port]",
        endpoint);
  }

  /**
   * Reads {@code s3://bucket/prefix[?endpoint=URL&region=R&style=path|host&sign=header|query]}.
   * Without an endpoint it is AWS's; with one the bucket is in the path unless {@code style} says
   * otherwise.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static S3Options parse(String url, Supplier<Optional<S3Keys>> keys) {
    URI uri = URI.create(url);
    require("s3".equals(uri.getScheme()) && uri.getAuthority() != null, "s3://bucket/prefix", url);
    var query = new LinkedHashMap<String, String>();
    if (uri.getQuery() != null) {
      Arrays.stream(uri.getQuery().split("&"))
          .map(field -> field.split("=", 2))
          .forEach(field -> query.put(field[0], field.length > 1 ? field[1] : ""));
    }
    require(KNOWN.containsAll(query.keySet()), "options of " + KNOWN, url);
    String region = query.getOrDefault("region", "us-east-1");
    String endpoint = query.getOrDefault("endpoint", "https://s3." + region + ".amazonaws.com");
    return new S3Options(
        URI.create(endpoint.replaceFirst("/+$", "")),
        region,
        uri.getAuthority(),
        uri.getPath().replaceAll("^/+|/+$", ""),
        choice(query, "style", "path", "host", query.containsKey("endpoint")),
        choice(query, "sign", "query", "header", false),
        keys);
  }

  private static boolean choice(
      Map<String, String> query, String name, String yes, String no, boolean otherwise) {
    String value = query.getOrDefault(name, otherwise ? yes : no);
    require(value.equals(yes) || value.equals(no), name + " " + yes + " or " + no, value);
    return value.equals(yes);
  }

  /** Where the blobs' names begin. */
  URI root() {
    String path = prefix.isEmpty() ? "/" : "/" + prefix + "/";
    String authority = endpoint.getRawAuthority();
    return pathStyle
        ? URI.create(endpoint.getScheme() + "://" + authority + "/" + bucket + path)
        : URI.create(endpoint.getScheme() + "://" + bucket + "." + authority + path);
  }

  @Override
  public String toString() {
    return "s3://" + bucket + "/" + prefix;
  }

  private static void require(boolean holds, String expected, Object got) {
    if (!holds) {
      throw new IllegalArgumentException("s3: expected " + expected + ", got '" + got + "'");
    }
  }
}
