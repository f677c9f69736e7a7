package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class KernelFilesTest {
  @TempDir Path dir;

  @Test
  void whatIsWrittenIsThereAndNothingElse() throws IOException {
    Path file = Files.writeString(dir.resolve("f"), "something longer");
    KernelFiles.write(file, "1");
    assertThat(Files.readString(file)).isEqualTo("1");
    KernelFiles.writeAndWait(file, "22");
    assertThat(Files.readString(file)).isEqualTo("22");
  }

  @Test
  void aFileThatDoesNotExistIsNotMade() {
    assertThatThrownBy(() -> KernelFiles.write(dir.resolve("no"), "1"))
        .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.is(Errno.ENOENT)).isTrue())
        .hasMessageContaining("write(" + dir.resolve("no") + ", \"1\")");
    assertThatThrownBy(() -> KernelFiles.writeAndWait(dir.resolve("no"), "1"))
        .hasMessageContaining("write(" + dir.resolve("no") + ", \"1\")");
    assertThat(dir.resolve("no")).doesNotExist();
  }

  @Test
  void directoriesAndLinksComeAndGo() throws IOException {
    Path made = dir.resolve("d");
    KernelFiles.makeDirectory(made, 0700);
    Path link = made.resolve("l");
    KernelFiles.link(dir, link);
    assertThat(Files.readSymbolicLink(link)).isEqualTo(dir);
    assertThatThrownBy(() -> KernelFiles.removeDirectory(made))
        .isInstanceOfSatisfying(
            ErrnoException.class, e -> assertThat(e.is(Errno.ENOTEMPTY)).isTrue());
    KernelFiles.remove(link);
    KernelFiles.removeDirectory(made);
    assertThat(made).doesNotExist();
    assertThatThrownBy(() -> KernelFiles.remove(link)).isInstanceOf(ErrnoException.class);
  }

  @Test
  void manyWritesLeaveNoDescriptorOpen() throws IOException {
    Path file = Files.writeString(dir.resolve("f"), "");
    KernelFiles.writeAndWait(file, "warm");
    int before = descriptors();
    for (int i = 0; i < 50; i++) {
      KernelFiles.writeAndWait(file, "x");
    }
    assertThat(descriptors()).isLessThan(before + 25); // the JVM opens some of its own
  }

  private static int descriptors() throws IOException {
    try (var list = Files.list(Path.of("/proc/self/fd"))) {
      return (int) list.count();
    }
  }
}
