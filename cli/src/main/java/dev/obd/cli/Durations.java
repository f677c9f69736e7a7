package dev.obd.cli;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Durations as people write and read them: {@code 10s}, {@code 500ms}, {@code 2m}, {@code 30d}; a
 * bare number is seconds.
 */
final class Durations {
  private static final Pattern FORM =
      Pattern.compile("(\\d{1,9}(?:\\.\\d{1,3})?)\\s*(ms|s|m|h|d)?");

  private Durations() {}

  static Duration parse(String text) {
    Matcher m = FORM.matcher(text.trim());
    if (!m.matches()) {
      throw new TypeConversionException(
          "expected a duration such as 500ms, 10s, 2m, 12h or 30d, got '" + text + "'");
    }
    double number = Double.parseDouble(m.group(1));
    double millis =
        switch (m.group(2) == null ? "s" : m.group(2)) {
          case "ms" -> number;
          case "m" -> number * 60_000;
          case "h" -> number * 3_600_000;
          case "d" -> number * 86_400_000;
          default -> number * 1000;
        };
    return Duration.ofNanos((long) (millis * 1_000_000));
  }

  static String show(Duration d) {
    double seconds = d.toNanos() / 1e9;
    return seconds < 1
        ? String.format(Locale.ROOT, "%.0f ms", seconds * 1000)
        : String.format(Locale.ROOT, "%.2f s", seconds);
  }

  /** For options where a forgotten unit would do harm: there is no default. */
  static final class WithUnit implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      if (!text.isBlank() && Character.isDigit(text.charAt(text.length() - 1))) {
        throw new TypeConversionException(
            "expected a duration with its unit, such as 12h or 30d, got '" + text + "'");
      }
      return parse(text);
    }
  }

  /** For picocli options. */
  static final class Converter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      return parse(text);
    }
  }
}
