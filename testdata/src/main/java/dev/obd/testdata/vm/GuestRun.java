package dev.obd.testdata.vm;

import com.google.gson.Gson;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/** One test class was run in a guest; what became of its tests. */
final class GuestRun {
  private static final int LAST_LINES = 30;

  private final Map<String, Outcome> outcomes;
  private final String end;

  private GuestRun(Map<String, Outcome> outcomes, String end) {
    this.outcomes = outcomes;
    this.end = end;
  }

  /** Boots a guest and runs all of {@code test} in it. Its output goes to standard output. */
  static GuestRun of(Class<?> test, InGuest how) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("guest");
    Path results = directory.resolve("outcomes");
    try {
      var guest =
          new Guest(
              how.engine(),
              how.memory(),
              how.cpus(),
              Duration.ofSeconds(how.limitSeconds()),
              List.of(directory));
      var last = new ArrayDeque<String>();
      int exit =
          guest.run(
              command(test, how, results),
              line -> {
                System.out.println("[guest] " + line);
                last.add(line);
                if (last.size() > LAST_LINES) {
                  last.remove();
                }
              });
      return new GuestRun(
          read(results),
          "the guest ended with "
              + exit
              + " before this test did; its last words:\n"
              + String.join("\n", last));
    } finally {
      Files.deleteIfExists(results);
      Files.deleteIfExists(directory);
    }
  }

  private static List<String> command(Class<?> test, InGuest how, Path results) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // What cheap hardware likes: see testdata/vm/README.md.
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-Xms32m", "-Xmx" + how.heap() + "m"));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--") || argument.startsWith("-Djnr."))
        .forEach(command::add);
    System.getProperties().stringPropertyNames().stream()
        .filter(property -> property.equals("obd.repo") || property.startsWith("obd.guest."))
        .forEach(property -> command.add("-D" + property + "=" + System.getProperty(property)));
    command.add("-D" + Guest.INSIDE + "=true");
    command.add("-D" + Guest.REQUIRED + "=" + Guest.isRequired());
    command.add("-Djava.io.tmpdir=/run/tmp");
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.addAll(List.of(GuestMain.class.getName(), test.getName(), results.toString()));
    command.add(System.getProperty("obd.guest.only", ""));
    return command;
  }

  private static Map<String, Outcome> read(Path results) throws IOException {
    var outcomes = new HashMap<String, Outcome>();
    if (Files.exists(results)) {
      var gson = new Gson();
      try (Stream<String> lines = Files.lines(results, StandardCharsets.UTF_8)) {
        lines
            .map(line -> gson.fromJson(line, Outcome.class))
            .forEach(outcome -> outcomes.put(outcome.id(), outcome));
      }
    }
    return outcomes;
  }

  /** Ends as the test with this id did in the guest. */
  void replay(String id) throws GuestFailure {
    Outcome outcome = nearest(id);
    if (outcome == null) {
      throw new GuestFailure("not reached: " + end, null);
    }
    String where = "in the guest, " + outcome.name() + ": ";
    Failure failure = outcome.failure();
    switch (outcome.kind()) {
      case SUCCEEDED -> {
        if (!outcome.id().equals(id) && System.getProperty("obd.guest.only", "").isEmpty()) {
          throw new GuestFailure("not run in the guest, though " + outcome.name() + " was", null);
        }
        if (!outcome.id().equals(id)) {
          throw new TestAbortedException("obd.guest.only");
        }
      }
      case STARTED -> throw new GuestFailure(end, null);
      case ABORTED ->
          throw new TestAbortedException(where + (failure == null ? "skipped" : failure.text()));
      case FAILED -> {
        if (failure == null) {
          throw new GuestFailure(where + "failed", null);
        }
        throw failure.thrown(where);
      }
    }
  }

  /** The test's own outcome, or else that of what contains it: its class may have failed. */
  private @org.jspecify.annotations.Nullable Outcome nearest(String id) {
    for (String at = id; !at.isEmpty(); at = at.substring(0, Math.max(0, at.lastIndexOf("/[")))) {
      Outcome outcome = outcomes.get(at);
      if (outcome != null) {
        return outcome;
      }
    }
    return null;
  }
}
