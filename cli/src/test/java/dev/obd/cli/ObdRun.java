package dev.obd.cli;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Runs obd for tests: in this process, or as a process of its own. */
final class ObdRun {
  private ObdRun() {}

  /** Runs a command here, with its state in {@code home}. */
  static Cli.Result in(Path home, Object... args) {
    return new Cli(home).run(Stream.of(args).map(Object::toString).toArray(String[]::new));
  }

  /** The command line of a process of its own, with the flags this one was started with. */
  static List<String> command(Path home, Object... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (flag.startsWith("--") || flag.startsWith("-Djnr")) {
        command.add(flag);
      }
    }
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"));
    command.add("-Dobd.home=" + home);
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    for (Object arg : args) {
      command.add(arg.toString());
    }
    return command;
  }

  /** Starts a process of its own; what it says goes to {@code log}. */
  static Process start(Path home, File log, Object... args) throws IOException {
    return new ProcessBuilder(command(home, args))
        .redirectErrorStream(true)
        .redirectOutput(log)
        .start();
  }
}
