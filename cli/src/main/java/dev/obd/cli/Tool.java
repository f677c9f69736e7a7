package dev.obd.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a program of the machine to its end, bounded in time, its output kept in a file. */
final class Tool {
  private static final long LIMIT_SECONDS = 120;
  private static final int TAIL = 2000;
  private static final Map<String, String> PACKAGE =
      Map.of("mke2fs", "e2fsprogs", "debugfs", "e2fsprogs");

  private final Path log;

  Tool(Path log) {
    this.log = log;
  }

  /** What a program printed on its standard output. */
  String run(List<String> command, Map<String, String> environment)
      throws IOException, InterruptedException {
    Path program = find(command.get(0));
    ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(command));
    builder.command().set(0, program.toString());
    builder.environment().putAll(environment);
    builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    Path out = Files.createTempFile(log.getParent(), "out", ".txt");
    builder.redirectOutput(out.toFile());
    builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
    try {
      Process process = builder.start();
      try {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
          throw new IOException(command.get(0) + ": did not end within " + LIMIT_SECONDS + " s");
        }
      } finally {
        process.destroyForcibly();
      }
      String text = Files.readString(out, StandardCharsets.UTF_8);
      if (process.exitValue() != 0) {
        String said = Files.readString(log, StandardCharsets.UTF_8);
        throw new IOException(
            String.join(" ", command)
                + ": exit status "
                + process.exitValue()
                + ": "
                + said.substring(Math.max(0, said.length() - TAIL)).strip());
      }
      return text;
    } finally {
      Files.deleteIfExists(out);
    }
  }

  /** Also looks where only root's PATH does: mke2fs needs no root, but lies in /sbin. */
  static Path find(String program) throws IOException {
    if (program.contains("/")) {
      return Path.of(program);
    }
    String path =
        System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin";
    for (String dir : path.split(":", -1)) {
      Path candidate = Path.of(dir.isEmpty() ? "." : dir, program);
      if (Files.isExecutable(candidate)) {
        return candidate;
      }
    }
    throw new IOException(
        program
            + ": not found on the PATH; install it:  apt-get install "
            + PACKAGE.getOrDefault(program, program));
  }
}
