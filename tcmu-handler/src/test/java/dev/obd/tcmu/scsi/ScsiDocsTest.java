package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/formats/scsi.md and the code say the same. */
final class ScsiDocsTest {
  private static String page() throws IOException {
    return Files.readString(Path.of(System.getProperty("obd.repo"), "docs/formats/scsi.md"));
  }

  @Test
  void everyCommandIsInThePageWithItsOpcode() throws IOException {
    var documented = new TreeMap<String, String>();
    var row =
        Pattern.compile("(?m)^\\| ([0-9A-F/, ]+) \\| ([A-Z][A-Z_0-9, ]{4,}) \\|").matcher(page());
    while (row.find()) {
      String[] codes = row.group(1).split(", ");
      String[] names = row.group(2).split(", ");
      assertThat(codes).as(row.group()).hasSameSizeAs(names);
      for (int i = 0; i < codes.length; i++) {
        documented.put(names[i], codes[i]);
      }
    }
    var actual = new TreeMap<String, String>();
    for (Opcode opcode : Opcode.all()) {
      String code = String.format("%02X", opcode.code());
      String action = String.format("/%02X", opcode.serviceAction());
      actual.put(opcode.name(), opcode.hasServiceAction() ? code + action : code);
    }
    assertThat(documented).isEqualTo(actual);
  }

  @Test
  void everyLimitInThePageIsTheOneInTheCode() throws Exception {
    var row = Pattern.compile("(?m)^\\| ([A-Z_]{5,}) \\| (\\d+) \\| byte").matcher(page());
    var names = new ArrayList<String>();
    while (row.find()) {
      names.add(row.group(1));
      Object value = Limits.class.getDeclaredField(row.group(1)).get(null);
      assertThat(String.valueOf(value)).as(row.group(1)).isEqualTo(row.group(2));
    }
    assertThat(names).hasSize(4);
  }

  @Test
  void everyStatusHasTheSenseThePageSays() throws IOException {
    for (Status status : Status.values()) {
      if (status != Status.OK) {
        assertThat(page())
            .containsPattern(
                "(?m)^\\| "
                    + status
                    + " \\| "
                    + told(Direction.IN, status)
                    + ".* \\| "
                    + told(Direction.OUT, status)
                    + ".* \\|$");
      }
    }
  }

  private static String told(Direction direction, Status status) {
    ScsiResult result = direction.failure(status);
    Sense sense = result.sense();
    if (sense == null) {
      assertThat(result.status()).isEqualTo(ScsiResult.BUSY);
      return "BUSY";
    }
    return String.format("%X/%02X/%02X", sense.key(), sense.asc(), sense.ascq());
  }
}
