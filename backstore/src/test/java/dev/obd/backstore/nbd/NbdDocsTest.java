package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/formats/nbd.md and the code say the same. */
class NbdDocsTest {
  private static String page() throws IOException {
    return Files.readString(Path.of(System.getProperty("obd.repo"), "docs/formats/nbd.md"));
  }

  @Test
  void everyConstantInThePageIsTheOneInTheCode() throws Exception {
    var documented = new TreeMap<String, Long>();
    var actual = new TreeMap<String, Long>();
    var row = Pattern.compile("(?m)^\\| ([A-Z_]{5,}) \\| (0x[0-9a-f]+|\\d+) \\|").matcher(page());
    while (row.find()) {
      documented.put(row.group(1), Long.decode(row.group(2)));
      Object value = Protocol.class.getDeclaredField(row.group(1)).get(null);
      actual.put(
          row.group(1), value instanceof Long l ? l : Integer.toUnsignedLong((Integer) value));
    }
    assertThat(documented).isEqualTo(actual).hasSizeGreaterThan(55);
  }

  @Test
  void everyStatusHasTheErrorThePageSays() throws Exception {
    for (Status status : Status.values()) {
      if (status != Status.OK) {
        NbdError error = NbdError.of(status, false);
        assertThat(page())
            .containsPattern(
                "(?m)^\\| .*\\b" + status + "\\b.* \\| .*" + error.code() + " " + error + " \\|");
      }
    }
  }
}
