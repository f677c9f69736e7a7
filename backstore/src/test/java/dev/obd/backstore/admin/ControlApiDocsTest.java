package dev.obd.backstore.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Ticker;
import dev.obd.testdata.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The document lists what there is, and nothing else. */
class ControlApiDocsTest {
  @Test
  void theTableOfPathsIsTheRoutes() throws IOException {
    String page = Files.readString(Golden.repository().resolve("docs/control-api.md"));
    List<String> documented =
        Pattern.compile("(?m)^\\| ([A-Z]+) \\| `(/v1[^`]*)` \\|")
            .matcher(page)
            .results()
            .map(row -> row.group(1) + " " + row.group(2))
            .toList();
    List<Route> routes = new ControlApi(null, null, null, null, null, Ticker.SYSTEM).routes();
    assertThat(documented)
        .containsExactlyElementsOf(
            routes.stream().map(route -> route.method() + " " + route.template()).toList());
  }
}
