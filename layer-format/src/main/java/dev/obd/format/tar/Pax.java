package dev.obd.format.tar;

import dev.obd.io.FormatException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The records of a pax extended header: {@code "<length> <key>=<value>\n"}, one after another. */
final class Pax {
  private Pax() {}

  /**
   * All records, a later one replacing an earlier one of the same key.
   *
   * @param blob the source's name, for errors
   * @param base where in the source the records start, for errors
   */
  static Map<String, String> parse(String blob, long base, byte[] raw) throws FormatException {
    var records = new LinkedHashMap<String, String>();
    int at = 0;
    while (at < raw.length) {
      int space = at;
      int length = 0;
      while (space < raw.length && space - at < 9 && raw[space] >= '0' && raw[space] <= '9') {
        length = length * 10 + (raw[space] - '0');
        space++;
      }
      int end = at + length;
      if (space == at
          || space == raw.length
          || raw[space] != ' '
          || end > raw.length
          || end < space + 2
          || raw[end - 1] != '\n') {
        throw new FormatException(
            blob, base + at, "pax record", "\"<length> <key>=<value>\\n\"", printable(raw, at));
      }
      int equals = space + 1;
      while (equals < end && raw[equals] != '=') {
        equals++;
      }
      if (equals == end || equals == space + 1) {
        throw new FormatException(
            blob, base + at, "pax record", "a key and '='", printable(raw, at));
      }
      String key = new String(raw, space + 1, equals - space - 1, StandardCharsets.UTF_8);
      String value = new String(raw, equals + 1, end - 1 - equals - 1, StandardCharsets.UTF_8);
      records.put(key, value);
      at = end;
    }
    return records;
  }

  /** The size record, or {@code otherwise} if there is none. */
  static long size(String blob, long base, Map<String, String> records, long otherwise)
      throws FormatException {
    String text = records.get("size");
    if (text == null) {
      return otherwise;
    }
    if (text.isEmpty() || text.length() > 18 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new FormatException(blob, base, "pax size", "up to 18 decimal digits", quoted(text));
    }
    return Long.parseLong(text);
  }

  /** One record with its own length in front. */
  static String record(String key, String value) {
    int rest = (" " + key + "=" + value + "\n").getBytes(StandardCharsets.UTF_8).length;
    int length = rest + 1;
    while (rest + Integer.toString(length).length() != length) {
      length++;
    }
    return length + " " + key + "=" + value + "\n";
  }

  private static String printable(byte[] raw, int at) {
    int shown = Math.min(40, raw.length - at);
    return quoted(new String(raw, at, shown, StandardCharsets.ISO_8859_1));
  }

  private static String quoted(String text) {
    String shown = text.length() > 40 ? text.substring(0, 40) : text;
    return "\"" + shown.replaceAll("[^ -~]", ".") + "\"";
  }
}
