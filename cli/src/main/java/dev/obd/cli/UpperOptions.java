package dev.obd.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Whether a device may be written to, and where what is written goes. */
final class UpperOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--rw",
      description =
          "Writable: changes go to a layer of their own; 'obd commit --upper' makes an image of it.")
  private boolean writable;

  @Option(
      names = "--upper",
      paramLabel = "DIR",
      description =
          "Where the writable layer is, or is to be made (default: under OBD_HOME, named after SRC).")
  private @Nullable Path upper;

  /** Refuses a writable layer for a read-only device. */
  void check() {
    if (upper != null && !writable) {
      throw new ParameterException(spec.commandLine(), "--upper needs --rw");
    }
  }

  boolean writable() {
    return writable;
  }

  Optional<Path> upper() {
    return Optional.ofNullable(upper);
  }
}
