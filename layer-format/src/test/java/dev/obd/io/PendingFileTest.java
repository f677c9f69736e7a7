package dev.obd.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.PendingFile.Existing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PendingFileTest {
  @TempDir private Path dir;

  private List<String> names() throws IOException {
    try (Stream<Path> all = Files.list(dir)) {
      return all.map(p -> p.getFileName().toString()).toList();
    }
  }

  private static void write(PendingFile file, String text) throws IOException {
    file.channel().write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  @ParameterizedTest
  @EnumSource
  void theNameAppearsWithTheCommit(Existing existing) throws IOException {
    Path path = dir.resolve("out");
    try (PendingFile file = PendingFile.create(path, existing)) {
      write(file, "whole");
      assertThat(names()).singleElement().asString().startsWith(".out.").endsWith(".tmp");
      file.commit();
      assertThat(names()).containsExactly("out");
    }
    assertThat(path).hasContent("whole");
  }

  @ParameterizedTest
  @EnumSource
  void withoutACommitNothingIsLeft(Existing existing) throws IOException {
    try (PendingFile file = PendingFile.create(dir.resolve("out"), existing)) {
      write(file, "half");
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void anotherFileStaysUntilItIsReplaced() throws IOException {
    Path path = Files.writeString(dir.resolve("out"), "old");
    try (PendingFile file = PendingFile.create(path, Existing.REPLACE)) {
      write(file, "new");
      assertThat(path).hasContent("old");
      file.commit();
    }
    assertThat(path).hasContent("new");
  }

  @Test
  void anotherFileIsKeptAtTheStart() throws IOException {
    Path path = Files.writeString(dir.resolve("out"), "old");
    assertThatThrownBy(() -> PendingFile.create(path, Existing.KEEP))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessage(path.toString());
    assertThat(names()).containsExactly("out");
  }

  @Test
  void anotherFileThatCameUpMeanwhileIsKeptToo() throws IOException {
    Path path = dir.resolve("out");
    try (PendingFile file = PendingFile.create(path, Existing.KEEP)) {
      Files.writeString(path, "theirs");
      assertThatThrownBy(file::commit).isInstanceOf(FileAlreadyExistsException.class);
    }
    assertThat(path).hasContent("theirs");
    assertThat(names()).containsExactly("out");
  }

  @Test
  void twoWritersOfOneNameDoNotMix() throws IOException {
    Path path = dir.resolve("out");
    try (PendingFile one = PendingFile.create(path, Existing.REPLACE);
        PendingFile two = PendingFile.create(path, Existing.REPLACE)) {
      write(one, "one");
      write(two, "two");
      one.commit();
      assertThat(path).hasContent("one");
      two.commit();
      assertThat(path).hasContent("two");
    }
  }

  @Test
  void aMissingDirectoryIsNamed() {
    assertThatThrownBy(() -> PendingFile.create(dir.resolve("no/out"), Existing.REPLACE))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(dir.resolve("no").toString());
  }
}
