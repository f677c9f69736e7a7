package dev.obd.backstore.inspect;

import dev.obd.backstore.config.DeviceConfig;
import dev.obd.backstore.image.Image;
import dev.obd.backstore.image.ImageOpener;
import dev.obd.backstore.image.ImagePlan;
import dev.obd.backstore.image.ImagePlan.TraceUse;
import dev.obd.backstore.image.ImagePlans;
import dev.obd.backstore.image.LayerOrigin;
import dev.obd.backstore.image.OpenOptions;
import dev.obd.backstore.inspect.ImageReport.Location;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.Recordings;
import dev.obd.backstore.store.LoadedImage;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.format.lsmt.SegmentTotals;
import dev.obd.io.BlockSource;
import dev.obd.io.FailureText;
import dev.obd.io.FileSource;
import dev.obd.registry.Descriptor;
import dev.obd.registry.ObdAnnotations;
import dev.obd.registry.OverlaybdAnnotations;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at an image: what its manifest or configuration says, and what its layers say once they are
 * opened, which of a remote layer fetches headers and index only.
 */
public final class ImageInspector {
  private static final String SHOWN = "containerd.io/snapshot/overlaybd/";

  private final ImagePlans plans;
  private final ImageOpener opener;
  private final List<ImageReport.Layer> layers = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private ImageReport.@Nullable Upper upper;
  private @Nullable TraceReport trace;
  private @Nullable Long virtualSize;
  private @Nullable String fileSystem;
  private @Nullable String damage;

  private ImageInspector(ImagePlans plans, ImageOpener opener) {
    this.plans = plans;
    this.opener = opener;
  }

  /** Looks at an image with a manifest. What is wrong with its layers is part of the report. */
  public static ImageReport inspect(LoadedImage image, ImagePlans plans, ImageOpener opener)
      throws IOException {
    var inspector = new ImageInspector(plans, opener);
    for (Descriptor layer : image.manifest().layers()) {
      inspector.layers.add(
          new ImageReport.Layer(
              layer.digest().toString(),
              null,
              layer.mediaType(),
              layer.size(),
              image.isRemote(layer) ? Location.REMOTE : Location.LOCAL,
              OverlaybdAnnotations.isAcceleration(layer),
              ObdAnnotations.isHot(layer),
              shown(layer.annotations()),
              null));
    }
    inspector.attempt(() -> inspector.open(inspector.plans.plan(image)));
    return inspector.report(
        image.name(),
        image.descriptor().digest().toString(),
        image.descriptor().mediaType(),
        image.config().platform().toString(),
        image.config().created().orElse(null));
  }

  /** Looks at an overlaybd configuration. Its writable layer is not opened, only looked at. */
  public static ImageReport inspect(
      ImagePlans.Source.Configured configured, ImagePlans plans, ImageOpener opener)
      throws IOException {
    var inspector = new ImageInspector(plans, opener);
    ImagePlan plan = configured.plan();
    List<DeviceConfig.Lower> lowers = configured.config().lowers();
    for (int i = 0; i < plan.lowers().size(); i++) {
      LayerOrigin origin = plan.lowers().get(i);
      boolean remote = origin.link().isPresent();
      long said = lowers.get(i).size();
      inspector.layers.add(
          new ImageReport.Layer(
              remote ? origin.name() : null,
              remote ? null : origin.name(),
              null,
              remote ? (said > 0 ? said : null) : Long.valueOf(Files.size(Path.of(origin.name()))),
              remote ? Location.REMOTE : Location.LOCAL,
              false,
              false,
              Map.of(),
              null));
    }
    configured
        .config()
        .unknownKeys()
        .forEach(key -> inspector.warnings.add("unknown key " + key + " is ignored"));
    inspector.attempt(() -> inspector.open(plan));
    return inspector.report(plan.name(), null, null, null, null);
  }

  private static Map<String, String> shown(Map<String, String> annotations) {
    Map<String, String> shown = new LinkedHashMap<>();
    annotations.forEach((key, value) -> {
      if (key.startsWith(SHOWN)) {
        shown.put(key, value);
      }
    });
    return shown;
  }

  private interface Step {
    void run() throws IOException;
  }

  /** What cannot be reached is a failure; what is there and wrong is damage. */
  private void attempt(Step step) throws IOException {
    try {
      step.run();
    } catch (RegistryException e) {
      if (e.isRetryable()) {
        throw e;
      }
      found(e);
    } catch (IOException e) {
      found(e);
    }
  }

  private void found(IOException e) {
    if (damage == null) {
      damage = FailureText.of(e);
    }
  }

  private void open(ImagePlan plan) throws IOException {
    if (!plan.lowers().isEmpty()) {
      var below = new ImagePlan(plan.name(), plan.lowers(), new TraceUse.None(), Optional.empty());
      try (Image image = opener.open(below, OpenOptions.DEFAULTS)) {
        LayerStack stack = image.stack().orElseThrow();
        virtualSize = stack.size();
        for (int i = 0; i < stack.layers().size(); i++) {
          layers.set(i, layers.get(i).with(content(stack.layers().get(i))));
        }
        fileSystem = FileSystemProbe.detect(stack).orElse(null);
      }
    }
    if (plan.upper().isPresent()) {
      upper(plan.upper().get());
    }
    trace(plan);
  }

  private static ImageReport.Content content(SealedLayer layer) {
    SegmentTotals totals = SegmentTotals.of(layer.index());
    return new ImageReport.Content(
        layer.virtualSize(), layer.index().count(), totals.dataBytes(), totals.zeroedBytes());
  }

  /** The header that counts is the index file's; a sparse layer has an empty one. */
  private void upper(ImagePlan.UpperFiles files) throws IOException {
    Path counts = Files.size(files.index()) == 0 ? files.data() : files.index();
    try (BlockSource file = FileSource.open(counts)) {
      LayerReport report = LayerInspector.inspect(file, false, Progress.NONE);
      upper = new ImageReport.Upper(files.data().toString(), files.index().toString(), report);
      if (report.damage() != null) {
        throw new IOException(report.damage());
      }
      if (report.lsmt() != null && report.lsmt().virtualSize() > 0) {
        virtualSize = report.lsmt().virtualSize();
      }
    }
  }

  private void trace(ImagePlan plan) throws IOException {
    switch (plan.trace()) {
      case TraceUse.Replay(ImagePlan.Loader<Recordings> loader) ->
          trace =
              TraceReport.of(
                  loader
                      .load()
                      .replay(plan.digests(), Optional.empty(), new PrefetchBudget.Unlimited()));
      case TraceUse.RecordInto(Path file) ->
          warnings.add("the next device records a trace into " + file);
      case TraceUse.Files _ -> warnings.add("a list of files takes the place of a trace");
      case TraceUse.None _ -> {}
    }
  }

  private ImageReport report(
      String name,
      @Nullable String digest,
      @Nullable String mediaType,
      @Nullable String platform,
      @Nullable String created) {
    return new ImageReport(
        name,
        digest,
        mediaType,
        platform,
        created,
        layers,
        upper,
        trace,
        virtualSize,
        fileSystem,
        warnings,
        damage);
  }
}
