package dev.obd.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FormatPageTest {
  @ParameterizedTest
  @ValueSource(classes = {MediaTypes.class, OverlaybdAnnotations.class, ObdAnnotations.class})
  void thePageNamesEveryConstant(Class<?> constants) throws IOException, IllegalAccessException {
    String page =
        Files.readString(Path.of(System.getProperty("obd.repo"), "docs/formats/oci.md"))
            .replace("A/", "containerd.io/snapshot/overlaybd/");
    for (Field field : constants.getDeclaredFields()) {
      if (Modifier.isPublic(field.getModifiers())) {
        assertThat(page).contains("`" + field.get(null) + "`");
      }
    }
  }
}
