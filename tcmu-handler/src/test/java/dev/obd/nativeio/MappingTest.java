package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappingTest {
  @TempDir Path dir;

  @Test
  void twoMappingsOfOneFileShareTheirMemory() throws IOException {
    Path file = Files.write(dir.resolve("f"), new byte[8192]);
    try (Fd fd = Fd.open(file, Fd.READ_WRITE);
        Mapping all = Mapping.shared(fd, 0, 8192, true);
        Mapping second = Mapping.shared(fd, 4096, 4096, false)) { // offset: the sixth argument
      all.buffer().putInt(4096 + 12, 0x01020304);
      assertThat(second.buffer().getInt(12)).isEqualTo(0x01020304);
      assertThat(second.buffer().order()).isEqualTo(ByteOrder.nativeOrder());
      assertThat(second.buffer().isReadOnly()).isTrue();
    }
    assertThat(Files.readAllBytes(file)[4096 + 12]).isNotZero();
  }

  @Test
  void aClosedMappingGivesNoMemory() throws IOException {
    Path file = Files.write(dir.resolve("f"), new byte[4096]);
    try (Fd fd = Fd.open(file, Fd.READ_ONLY)) {
      Mapping mapping = Mapping.shared(fd, 0, 4096, false);
      mapping.close();
      mapping.close();
      assertThatThrownBy(mapping::buffer).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void whatCannotBeMappedIsAnError() throws IOException {
    Path file = Files.write(dir.resolve("f"), new byte[4096]);
    try (Fd fd = Fd.open(file, Fd.READ_ONLY)) {
      assertThatThrownBy(() -> Mapping.shared(fd, 1, 4096, false))
          .hasMessageContaining("mmap(")
          .hasMessageContaining("offset 1")
          .hasMessageContaining("EINVAL");
    }
  }
}
