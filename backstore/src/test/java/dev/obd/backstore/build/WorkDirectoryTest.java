package dev.obd.backstore.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkDirectoryTest {
  @TempDir private Path dir;

  private List<Path> directories() throws IOException {
    try (Stream<Path> all = Files.list(dir)) {
      return all.filter(Files::isDirectory).toList();
    }
  }

  @Test
  void closingDeletesAllThatIsInIt() throws IOException {
    WorkDirectory work = WorkDirectory.open(dir);
    Files.createDirectories(work.path().resolve("a/b"));
    Files.writeString(work.path().resolve("a/b/c"), "text");
    work.close();
    work.close();
    assertThat(directories()).isEmpty();
  }

  @Test
  void openingOneLeavesTheOthersOfThisProcessAlone() throws IOException {
    try (WorkDirectory first = WorkDirectory.open(dir)) {
      Path file = Files.writeString(first.path().resolve("layer"), "text");
      try (WorkDirectory second = WorkDirectory.open(dir)) {
        assertThat(second.path()).isNotEqualTo(first.path());
      }
      assertThat(file).exists();
    }
  }

  @Test
  void whatAKilledProcessLeftIsDeletedAndWhatARunningOneUsesIsNot()
      throws IOException, InterruptedException {
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                dir.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(other.getInputStream().read()).as("it holds one").isEqualTo('!');
      WorkDirectory.open(dir).close();
      assertThat(directories()).hasSize(1);
      other.destroyForcibly().waitFor();
      assertThat(directories()).hasSize(1);
      WorkDirectory.open(dir).close();
      assertThat(directories()).isEmpty();
    } finally {
      other.destroyForcibly();
    }
  }

  @Test
  void otherThingsInTheDirectoryStay() throws IOException {
    Path file = Files.writeString(dir.resolve("work-notes"), "mine");
    Files.createDirectory(dir.resolve("else"));
    WorkDirectory.open(dir).close();
    assertThat(file).hasContent("mine");
    assertThat(directories()).containsExactly(dir.resolve("else"));
  }

  /** Another process that holds a work directory until it is killed. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] args) throws IOException, InterruptedException {
      try (WorkDirectory work = WorkDirectory.open(Path.of(args[0]))) {
        Files.writeString(work.path().resolve("layer"), "text");
        System.out.print('!');
        System.out.flush();
        Thread.sleep(Long.MAX_VALUE);
      }
    }
  }
}
