package dev.obd.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileListTest {
  @TempDir private Path dir;

  @Test
  void aLineIsAFileOrWithASlashAtItsEndADirectory() {
    FileList list = FileList.parse("/usr/bin/python3\n\n   etc/ssl/  \n/\nlib_a-1.so\n");
    assertThat(list.rejected()).isZero();
    assertThat(list.entries())
        .containsExactly(
            new FileList.Entry("/usr/bin/python3", false),
            new FileList.Entry("etc/ssl/", true),
            new FileList.Entry("/", true),
            new FileList.Entry("lib_a-1.so", false));
  }

  @Test
  void oddLinesAreCountedAndLeftOut() {
    FileList list = FileList.parse("/a b\n/a*\n//a\n/a\r\n/\u00e4\n\ta\n/ok");
    assertThat(list.rejected()).isEqualTo(6);
    assertThat(list.entries()).containsExactly(new FileList.Entry("/ok", false));
  }

  @Test
  void aPathIsWhatTheOriginalsExpressionAccepts() {
    var expression = Pattern.compile("/?((([A-Za-z0-9_.-]+/)*[A-Za-z0-9_.-]+/?)|(\\.\\.?))?");
    var random = new SplittableRandom(1);
    String alphabet = "//..aZ9_-* \n";
    for (int round = 0; round < 50_000; round++) {
      var path = new StringBuilder();
      for (int length = random.nextInt(1, 8); length > 0; length--) {
        path.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(FileList.isPath(path.toString()))
          .as("'%s'", path)
          .isEqualTo(expression.matcher(path).matches());
    }
  }

  @Test
  void aListOfTheLargestSizeIsReadAndALargerOneIsNone() throws IOException {
    Path file = dir.resolve("trace");
    Files.writeString(file, "a/".repeat(FileList.MAX_BYTES / 2));
    assertThat(FileList.read(file).entries()).hasSize(1);
    Files.writeString(file, "a/".repeat(FileList.MAX_BYTES / 2) + "a");
    assertThatThrownBy(() -> FileList.read(file)).isInstanceOf(TraceFormatException.class);
  }

  @Test
  void bytesThatAreNoTextAreOddLines() throws IOException {
    Path file = dir.resolve("trace");
    Files.write(file, new byte[] {(byte) 0xff, 0, '\n', 'a'});
    assertThat(FileList.read(file).rejected()).isEqualTo(1);
    assertThat(FileList.read(file).entries()).containsExactly(new FileList.Entry("a", false));
  }

  @Test
  void whatAUserListsIsAbsoluteAndADirectoryWithOrWithoutItsSign() {
    FileList list = FileList.of(List.of("/a b", "/usr/lib/", "/usr/share/*", "/ü", "/a b"));
    assertThat(list.entries())
        .extracting(FileList.Entry::path)
        .containsExactly("/a b", "/usr/lib/", "/usr/share/", "/ü");
    assertThat(list.entries()).allMatch(FileList.Entry::directory);
    assertThat(list.rejected()).isZero();
    for (String wrong : new String[] {"a", "", "/a\u0000", "/a\n/b"}) {
      assertThatThrownBy(() -> FileList.of(List.of(wrong)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("absolute path");
    }
    List<String> many = java.util.Collections.nCopies(3, "/" + "x".repeat(400_000));
    assertThatThrownBy(() -> FileList.of(many)).hasMessageContaining("at most 1048576");
  }
}
