package dev.obd.backstore.inspect;

import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.trace.FileList;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import dev.obd.trace.TracePath;
import java.io.IOException;
import java.nio.file.Path;

/** Finds the trace that a name stands for. */
public final class Traces {
  private Traces() {}

  /** True if {@code source} is a trace file, damaged or not. */
  public static boolean isTraceFile(String source) {
    return !source.startsWith("oci:")
        && TracePath.detect(Path.of(source)) instanceof TracePath.Recorded;
  }

  /**
   * The trace of a trace file, or of an image or configuration that has one.
   *
   * @throws IOException if there is none, or it is damaged
   * @throws IllegalArgumentException if {@code source} is neither a file nor a well-formed name
   */
  public static Trace load(String source, ImagePlans plans) throws IOException {
    if (isTraceFile(source)) {
      return TraceFile.read(Path.of(source));
    }
    ImagePlan plan = plans.resolve(source).plan();
    return switch (plan.trace()) {
      case TraceUse.Replay(ImagePlan.Loader<Trace> loader) -> loader.load();
      case TraceUse.RecordInto(Path file) ->
          throw new IOException(file + ": empty, nothing is recorded yet");
      case TraceUse.Files(ImagePlan.Loader<FileList> _) ->
          throw new IOException(plan.name() + ": has a list of files, and no trace");
      case TraceUse.None _ -> throw new IOException(plan.name() + ": has no trace");
    };
  }
}
