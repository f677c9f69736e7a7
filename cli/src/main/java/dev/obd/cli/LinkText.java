package dev.obd.cli;

import dev.obd.backstore.explain.Link;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Links as people write and read them: {@code 25Mbit/60ms}. */
final class LinkText implements ITypeConverter<Link> {
  private static final Pattern FORM =
      Pattern.compile(
          "(\\d{1,6}(?:\\.\\d{1,3})?)\\s*([kMG])bit/(\\d{1,6}(?:\\.\\d{1,3})?)\\s*ms",
          Pattern.CASE_INSENSITIVE);

  @Override
  public Link convert(String text) {
    Matcher m = FORM.matcher(text.trim());
    if (!m.matches() || Double.parseDouble(m.group(1)) == 0) {
      throw new TypeConversionException(
          "expected bandwidth and round trip such as 25Mbit/60ms, got '" + text + "'");
    }
    double unit =
        switch (m.group(2).toLowerCase(Locale.ROOT)) {
          case "k" -> 1e3;
          case "m" -> 1e6;
          default -> 1e9;
        };
    return new Link(
        Math.round(Double.parseDouble(m.group(3)) * 1000),
        Double.parseDouble(m.group(1)) * unit / 8);
  }

  static String show(Link link) {
    double bits = link.bytesPerSecond() * 8;
    String rate =
        bits >= 1e9
            ? String.format(Locale.ROOT, "%.1f Gbit/s", bits / 1e9)
            : String.format(Locale.ROOT, "%.1f Mbit/s", bits / 1e6);
    return rate + String.format(Locale.ROOT, ", %.1f ms", link.rttMicros() / 1000.0);
  }
}
