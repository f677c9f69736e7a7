package dev.obd.testdata;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** Faults that change what is asked or what is answered, as opposed to how it is sent. */
final class Distortion {
  private Distortion() {}

  /** What the registry behind the fault gets to see. */
  static Call of(Call call, @Nullable Fault fault) {
    if (!(fault instanceof Fault.IgnoredRange || fault instanceof Fault.Gzipped)) {
      return call;
    }
    var headers = new HashMap<>(call.headers());
    headers.remove("range");
    return new Call(
        call.origin(),
        call.method(),
        call.path(),
        call.query(),
        headers,
        call.attempt(),
        call.number());
  }

  /** What the client gets instead of {@code reply}. */
  static Reply of(Reply reply, @Nullable Fault fault) throws IOException {
    return switch (fault) {
      case Fault.ShiftedRange shift when reply.status == 206 -> shifted(reply, shift.by());
      case Fault.Dated dated -> reply.with("Date", httpDate(dated.time()));
      case Fault.NoContentRange none -> without(reply, "Content-Range");
      case Fault.Empty empty -> reply.part(reply.content, reply.from, 0);
      case Fault.Gzipped gzipped -> gzipped(reply);
      case Fault.Multipart multipart when reply.status == 206 -> multipart(reply);
      case null, default -> reply;
    };
  }

  private static String httpDate(Instant time) {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(time.atZone(ZoneOffset.UTC));
  }

  private static Reply shifted(Reply reply, long by) {
    long size = reply.content.size();
    long from = Math.clamp(reply.from + by, 0, size - reply.length);
    return reply
        .with("Content-Range", contentRange(from, reply.length, size))
        .part(reply.content, from, reply.length);
  }

  private static Reply without(Reply reply, String header) {
    reply.headers.remove(header);
    return reply;
  }

  private static Reply gzipped(Reply reply) throws IOException {
    var packed = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(packed)) {
      gzip.write(bytes(reply));
    }
    return reply.with("Content-Encoding", "gzip").whole(Content.of(packed.toByteArray()));
  }

  private static Reply multipart(Reply reply) throws IOException {
    String range = contentRange(reply.from, reply.length, reply.content.size());
    var body = new ByteArrayOutputStream();
    body.writeBytes(ascii("--part\r\nContent-Range: " + range + "\r\n\r\n"));
    body.writeBytes(bytes(reply));
    body.writeBytes(ascii("\r\n--part--\r\n"));
    return without(reply, "Content-Range")
        .with("Content-Type", "multipart/byteranges; boundary=part")
        .whole(Content.of(body.toByteArray()));
  }

  private static String contentRange(long from, long length, long size) {
    return "bytes " + from + "-" + (from + length - 1) + "/" + size;
  }

  private static byte[] bytes(Reply reply) throws IOException {
    var bytes = new byte[Math.toIntExact(reply.length)];
    reply.content.read(reply.from, bytes, bytes.length);
    return bytes;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
