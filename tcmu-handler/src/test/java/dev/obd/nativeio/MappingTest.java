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

  @Test
  void memoryBehindWhichThereIsNoFileIsNotTouched() throws IOException {
    Path file = Files.write(dir.resolve("f"), new byte[8192]);
    try (Fd fd = Fd.open(file, Fd.READ_WRITE);
        Mapping mapping = Mapping.shared(fd, 0, 1 << 20, true)) {
      assertThat(mapping.isBacked(0, 8192)).isTrue();
      assertThat(mapping.isBacked(8191, 1)).isTrue();
      assertThat(mapping.isBacked(5, 0)).isTrue();
      assertThat(mapping.isBacked(8192, 1)).isFalse();
      assertThat(mapping.isBacked(4096, 8192)).isFalse();
      assertThat(mapping.isBacked(1 << 20, 1)).isFalse();
      assertThat(mapping.isBacked(-1, 1)).isFalse();
    }
  }
}
