package dev.obd.testdata;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;

/** Programs that a test uses if the machine has them. */
public final class Tools {
  private Tools() {}

  /** Skips the running test, saying which are missing, unless all of {@code programs} are found. */
  public static void requireOnPath(String... programs) {
    var missing = new ArrayList<String>();
    for (String program : programs) {
      if (find(program).isEmpty()) {
        missing.add(program);
      }
    }
    Assumptions.assumeTrue(missing.isEmpty(), "not on PATH: " + String.join(", ", missing));
  }

  /** Where {@code program} is: on PATH, or where administrators' programs are. */
  public static Optional<Path> find(String program) {
    var directories = new ArrayList<String>();
    String path = System.getenv("PATH");
    if (path != null) {
      directories.addAll(List.of(path.split(File.pathSeparator)));
    }
    directories.addAll(List.of("/usr/sbin", "/sbin"));
    return directories.stream()
        .filter(directory -> !directory.isEmpty())
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
