package dev.obd.backstore.image;

import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.registry.Digest;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What to open.
 *
 * @param name what messages call the image
 * @param lowers data layers, lowest first; without the trace layer
 * @param trace what to do about a trace
 * @param upper the writable layer's files; empty for a read-only image
 */
public record ImagePlan(
    String name, List<LayerOrigin> lowers, TraceUse trace, Optional<UpperFiles> upper) {
  /** What to do about a trace. Whatever is wrong with a trace never stops an attach. */
  public sealed interface TraceUse {
    /** Nothing. */
    record None() implements TraceUse {}

    /** Replay what the loader gives. */
    record Replay(Loader<Recordings> loader) implements TraceUse {}

    /** Record into this file, which exists and is empty. */
    record RecordInto(Path file) implements TraceUse {}

    /** Prefetch the listed files of the image's file system. */
    record Files(Loader<FileList> loader) implements TraceUse {}
  }

  /** Loads something small, perhaps over the network. */
  @FunctionalInterface
  public interface Loader<T> {
    T load() throws IOException;
  }

  /** A writable layer: its data file and its index file. */
  public record UpperFiles(Path data, Path index) {
    /** The two files of overlaybd's names in {@code dir}. */
    public static UpperFiles in(Path dir) {
      return new UpperFiles(dir.resolve("writable_data"), dir.resolve("writable_index"));
    }
  }

  public ImagePlan {
    lowers = List.copyOf(lowers);
  }

  /** The digests of the layers' blobs, lowest first; of a layer that has none, nothing. */
  public List<String> digests() {
    return lowers.stream().map(layer -> layer.digest().map(Digest::value).orElse("")).toList();
  }

  /** The same image with a writable layer. */
  public ImagePlan withUpper(UpperFiles files) {
    return new ImagePlan(name, lowers, trace, Optional.of(files));
  }

  /**
   * Refuses a choice that nothing is recorded for. What cannot be looked at now is no reason to
   * refuse: the image works without its replay.
   *
   * @throws IOException if there are no runs of that name (says which there are), or the chosen
   *     file cannot be used
   */
  public void requireRecorded(TraceChoice choice) throws IOException {
    switch (choice) {
      case TraceChoice.Named(String program) -> {
        Recordings known = Recordings.NONE;
        try {
          if (trace instanceof TraceUse.Replay(Loader<Recordings> loader)) {
            known = loader.load();
          }
        } catch (IOException e) {
          return; // said when it is to be replayed
        }
        known.named(program);
      }
      case TraceChoice.File(Path file) -> Recordings.read(file);
      case TraceChoice.All _, TraceChoice.None _ -> {}
    }
  }

  /** The same image, with something else done about its trace. */
  public ImagePlan withTrace(TraceUse use) {
    return new ImagePlan(name, lowers, use, upper);
  }
}
