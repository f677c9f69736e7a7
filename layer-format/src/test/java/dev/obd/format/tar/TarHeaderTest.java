package dev.obd.format.tar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.format.DocTable;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class TarHeaderTest {
  @Test
  void thePageInTheDocumentationHasTheSameFields() throws IOException {
    assertThat(DocTable.of("tar.md"))
        .isEqualTo(
            Arrays.stream(TarHeader.Field.values())
                .map(f -> new DocTable.Row(f.at, f.bytes, f.name().toLowerCase(Locale.ROOT)))
                .toList());
  }
}
