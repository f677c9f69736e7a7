package dev.obd.registry.http;

import dev.obd.registry.Digest;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Asks how long a blob is, without fetching it. */
final class BlobSizes {
  private static final Pattern TOTAL = Pattern.compile("bytes [0-9]+-[0-9]+/([0-9]{1,18})");

  private static final Pattern EMPTY = Pattern.compile("bytes \\*/0");

  private BlobSizes() {}

  /** Empty if it is not there; a mirror that does not have it fails instead. */
  static OptionalLong ask(Place place, Digest digest, Limit limit) throws IOException {
    Call head = Call.of("HEAD", place.blob(digest));
    try (Answer answer = place.session().follow(head, place.pull(), limit)) {
      if (answer.status() == 404 && !place.isMirror()) {
        return OptionalLong.empty();
      }
      if (answer.status() == 200 && answer.contentLength() >= 0) {
        return OptionalLong.of(answer.contentLength());
      }
      if (answer.status() != 200 && answer.status() != 405 && answer.status() != 403) {
        throw Failures.of(answer, place.session().options().clock());
      }
    }
    return sizeByRange(place, digest, limit); // signed addresses are often good for GET only
  }

  private static OptionalLong sizeByRange(Place place, Digest digest, Limit limit)
      throws IOException {
    Call get = Call.get(place.blob(digest)).with("Range", "bytes=0-0");
    try (Answer answer = place.session().follow(get, place.pull(), limit)) {
      if (answer.status() == 404 && !place.isMirror()) {
        return OptionalLong.empty();
      }
      if (answer.status() == 200 && answer.contentLength() >= 0) {
        return OptionalLong.of(answer.contentLength());
      }
      if (answer.status() == 416) { // nothing has no first byte
        Matcher empty = EMPTY.matcher(answer.header("Content-Range").orElse(""));
        if (empty.matches()) {
          return OptionalLong.of(0);
        }
      }
      if (answer.status() != 206) {
        throw Failures.of(answer, place.session().options().clock());
      }
      String range = answer.header("Content-Range").orElse("none");
      Matcher total = TOTAL.matcher(range);
      if (!total.matches()) {
        throw Failures.bad(answer, "Content-Range", "bytes 0-0/size", range);
      }
      return OptionalLong.of(Long.parseLong(total.group(1)));
    }
  }
}
