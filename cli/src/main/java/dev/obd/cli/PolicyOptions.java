package dev.obd.cli;

import dev.obd.backstore.build.LayerNotes;
import dev.obd.backstore.build.PrefetchPolicy;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.LayerOrigin;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a new image is to say of fetching ahead. */
final class PolicyOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--prefetch-policy",
      paramLabel = "POLICY",
      description =
          "fs: standard input lists files and directories of the new image, one a line, that are to be fetched first where it is served. blob: they say which part of the new layer the system reads ahead where that is a local file; all of it if nothing is listed. none (default).")
  private String policy = "none";

  /** True if the new layer is to be noted with something. */
  boolean any() {
    return policy() != PrefetchPolicy.NONE;
  }

  private PrefetchPolicy policy() {
    for (PrefetchPolicy known : PrefetchPolicy.values()) {
      if (known.name().toLowerCase(Locale.ROOT).equals(policy)) {
        return known;
      }
    }
    throw new ParameterException(
        spec.commandLine(), "--prefetch-policy: expected fs, blob or none, got '" + policy + "'");
  }

  /**
   * The notes for a layer; reads standard input.
   *
   * @param below the image that the layer goes on top of
   */
  LayerNotes notes(Session session, Optional<ImagePlan> below, Terminal terminal)
      throws IOException {
    PrefetchPolicy wanted = policy();
    if (wanted == PrefetchPolicy.NONE) {
      return LayerNotes.NONE;
    }
    boolean somebodyTypes = Terminal.isInputTerminal() && wanted == PrefetchPolicy.BLOB;
    List<String> lines = somebodyTypes ? List.of() : PrefetchOptions.lines(System.in);
    if (wanted == PrefetchPolicy.FS && lines.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "--prefetch-policy fs: standard input lists no files");
    }
    FileList list;
    try {
      list = FileList.of(lines);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    return wanted.notes(
        list,
        layer -> session.opener().open(with(below, layer), OpenOptions.DEFAULTS.forOnePass()),
        missing -> {
          if (missing > 0) {
            terminal.say(
                missing
                    + " of "
                    + list.entries().size()
                    + " listed files are not in the new image, and are left out");
          }
        });
  }

  private static ImagePlan with(Optional<ImagePlan> below, Path layer) {
    List<LayerOrigin> layers = new ArrayList<>();
    below.ifPresent(plan -> layers.addAll(plan.lowers()));
    layers.add(LayerOrigin.file(layer));
    return new ImagePlan("the new image", layers, new TraceUse.None(), Optional.empty());
  }
}
