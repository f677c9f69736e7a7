package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What the tests need of the machine: its kernel and its programs. */
final class Machine {
  private static final long PROGRAM_SECONDS = 120;

  /** How a program ended. */
  record Result(int exit, String output) {
    /** The output of a program that must not fail. */
    String ok() {
      assertThat(exit).as(output).isZero();
      return output;
    }
  }

  private Machine() {}

  /** Skips the test where {@code where} cannot be exported. */
  static void assumeCan(URI where) {
    String why = new FuseFrontend().unavailableBecause(where).orElse("");
    assumeTrue(why.isEmpty(), why);
    assumeTrue(System.getProperty("user.name").equals("root"), "these tests need root");
  }

  static void assumePrograms(String... names) {
    for (String name : names) {
      assumeTrue(Requirements.onPath(name).isPresent(), name + " is not installed");
    }
  }

  /** Runs a program to its end; both its outputs are the output. */
  static Result run(Object... command) throws IOException, InterruptedException {
    Process process = start(command);
    var output = new java.util.concurrent.FutureTask<>(() -> text(process));
    Thread.ofPlatform().daemon().start(output);
    if (!process.waitFor(PROGRAM_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("hangs: " + List.of(command));
    }
    try {
      return new Result(process.exitValue(), output.get(10, TimeUnit.SECONDS));
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new AssertionError("output of " + List.of(command), e);
    }
  }

  static Process start(Object... command) throws IOException {
    List<String> words = List.of(command).stream().map(Object::toString).toList();
    var builder = new ProcessBuilder(words).redirectErrorStream(true);
    // mke2fs and e2fsck are not on everybody's PATH
    builder.environment().merge("PATH", ":/usr/sbin:/sbin", String::concat);
    Process process = builder.start();
    process.getOutputStream().close();
    return process;
  }

  private static String text(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  /** The sha256 of everything below {@code directory}: names and contents. */
  static String treeDigest(Path directory) throws IOException, InterruptedException {
    return run(
            "sh",
            "-c",
            "cd \"$0\" && find . -path ./lost+found -prune -o -type f -print | LC_ALL=C sort"
                + " | xargs sha256sum",
            directory)
        .ok();
  }

  /** A tree with files of many sizes and one program. */
  static Path tree(Path directory) throws IOException {
    Files.createDirectories(directory.resolve("a/b"));
    var random = new java.util.Random(7);
    for (int i = 0; i < 40; i++) {
      byte[] content = new byte[random.nextInt(1 << random.nextInt(1, 19))];
      random.nextBytes(content);
      Files.write(directory.resolve(i % 2 == 0 ? "a/f" + i : "a/b/f" + i), content);
    }
    Path program = directory.resolve("program");
    Files.copy(Path.of("/bin/cat"), program);
    assertThat(program.toFile().setExecutable(true)).isTrue();
    return directory;
  }

  /** The bytes of an ext4 file system of {@code mebibytes} with the content of {@code tree}. */
  static byte[] ext4(Path scratch, Path tree, int mebibytes) throws Exception {
    assumePrograms("mke2fs");
    Path image = scratch.resolve("ext4.img");
    run("mke2fs", "-q", "-t", "ext4", "-d", tree, image, mebibytes + "M").ok();
    byte[] bytes = Files.readAllBytes(image);
    Files.delete(image);
    return bytes;
  }
}
