package dev.obd.backstore.inspect;

import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.trace.FileList;
import dev.obd.trace.TracePath;
import dev.obd.trace.runs.RunsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the trace that a name stands for. */
public final class Traces {
  private Traces() {}

  /** True if {@code source} is a trace file or a file of runs, damaged or not. */
  public static boolean isTraceFile(String source) {
    if (source.startsWith("oci:")) {
      return false;
    }
    Path file = Path.of(source);
    return TracePath.detect(file) instanceof TracePath.Recorded
        || (Files.isRegularFile(file) && RunsFile.isRunsFile(file));
  }

  /**
   * What a trace file or a file of runs holds, or an image or configuration brings along.
   *
   * @throws IOException if there is none, or it is damaged
   * @throws IllegalArgumentException if {@code source} is neither a file nor a well-formed name
   */
  public static Recordings load(String source, ImagePlans plans) throws IOException {
    if (isTraceFile(source)) {
      return Recordings.read(Path.of(source));
    }
    ImagePlan plan = plans.resolve(source).plan();
    return switch (plan.trace()) {
      case TraceUse.Replay(ImagePlan.Loader<Recordings> loader) -> loader.load();
      case TraceUse.RecordInto(Path file) ->
          throw new IOException(file + ": empty, nothing is recorded yet");
      case TraceUse.Files(ImagePlan.Loader<FileList> _) ->
          throw new IOException(plan.name() + ": has a list of files, and no trace");
      case TraceUse.None _ -> throw new IOException(plan.name() + ": has no trace");
    };
  }
}
