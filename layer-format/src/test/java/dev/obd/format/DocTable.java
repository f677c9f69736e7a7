package dev.obd.format;

import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The offset tables of the pages in docs/formats, to be compared with the codecs. */
public final class DocTable {
  private static final Pattern ROW = Pattern.compile("\\| (\\d+) \\| (\\d+) \\| (\\w+) \\|.*");

  private DocTable() {}

  /** A row of a table that starts with {@code | offset | bytes | field |}. */
  public record Row(int offset, int bytes, String field) {}

  /** The rows of all such tables of a page. */
  public static List<Row> of(String page) throws IOException {
    var rows = new ArrayList<Row>();
    for (String line :
        Files.readAllLines(Golden.repository().resolve("docs/formats").resolve(page))) {
      Matcher row = ROW.matcher(line);
      if (row.matches()) {
        rows.add(
            new Row(Integer.parseInt(row.group(1)), Integer.parseInt(row.group(2)), row.group(3)));
      }
    }
    return rows;
  }
}
