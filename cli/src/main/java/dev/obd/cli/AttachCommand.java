package dev.obd.cli;

import com.google.gson.JsonObject;
import dev.obd.backstore.config.Home;
import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.startlog.StartLogging.Target;
import dev.obd.cli.control.DaemonClient;
import dev.obd.cli.control.DaemonException;
import dev.obd.cli.control.NoDaemonException;
import dev.obd.cli.control.OnDemand;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd attach}. */
@Command(
    name = "attach",
    mixinStandardHelpOptions = true,
    description = {
      "Make an image a block device of this machine, or a mounted directory, and leave it there.",
      "A daemon serves it: the one that runs ('obd daemon'), or one that is started for it and ends when nothing is attached any more. A trace in the image is replayed at once.",
      "",
      "There are several ways to a device; --via says which is taken, and 'obd status' which this machine has:",
      "  tcmu   a SCSI disk of the kernel's target core: survives a restart of the daemon, with requests under way",
      "  ublk   a block device of the kernel's ublk driver (Linux 6.12): survives a restart of the daemon, too",
      "  nbd    a block device of the kernel's NBD client",
      "  fuse   a file over FUSE, and a loop device of it for root: needs no kernel module beyond FUSE",
      "",
      "Example:  obd attach app:v1 --mount /mnt",
      "          obd attach app:v1 --via fuse --rw --name work",
      "          obd attach registry.example/app:v1 --json",
      "and then  obd detach /mnt"
    })
final class AttachCommand implements Callable<Integer> {
  private static final List<String> DOORS = List.of("auto", "tcmu", "ublk", "nbd", "fuse");
  private static final long POLL_NANOS = 50_000_000;
  private static final long QUIET_NANOS = 5_000_000_000L;

  @Spec private CommandSpec spec;

  @Mixin private ControlOptions control;

  @Parameters(
      paramLabel = "SRC",
      description = "An image, an overlaybd config.v1.json or a layer file.")
  private String source;

  @Option(
      names = "--via",
      paramLabel = "DOOR",
      description = "tcmu, ublk, nbd, fuse or auto: the best there is (default ${DEFAULT-VALUE}).")
  private String via = "auto";

  @Option(names = "--mount", paramLabel = "DIR", description = "Mount its file system there.")
  private @Nullable Path mount;

  @Option(
      names = "--fstype",
      paramLabel = "TYPE",
      description = "The file system's type (default: what is found on the device).")
  private @Nullable String fsType;

  @Option(
      names = {"-o", "--mount-options"},
      paramLabel = "OPTIONS",
      description = "Options of the mount, separated by commas.")
  private @Nullable String mountOptions;

  @Mixin private UpperOptions upper;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What to call it: letters, digits, - and _ (default: made from SRC).")
  private @Nullable String name;

  @Mixin private ReplayChoiceOptions replay;

  @Mixin private StartLogOptions startLog;

  @Mixin private PrefetchOptions prefetch;

  @Option(names = "--json", description = "Print the device as JSON.")
  private boolean json;

  /** The request, as docs/control-api.md has it. */
  private record Attach(
      String source,
      @Nullable String name,
      String via,
      @Nullable String mount,
      @Nullable String fsType,
      @Nullable String mountOptions,
      boolean writable,
      @Nullable String upper,
      String trace,
      String prefetchBudget,
      @Nullable String startLog,
      @Nullable Double startLogSeconds,
      List<String> prefetchFiles,
      double prefetchWaitSeconds) {}

  @Override
  public Integer call() throws Exception {
    upper.check();
    if (!DOORS.contains(via)) {
      throw new ParameterException(
          spec.commandLine(), "--via: expected one of " + DOORS + ", got '" + via + "'");
    }
    if ((fsType != null || mountOptions != null) && mount == null) {
      throw new ParameterException(spec.commandLine(), "--fstype and --mount-options need --mount");
    }
    Optional<Target> log = startLog.target();
    PrefetchConfig ahead = prefetch.config();
    var request =
        new Attach(
            named(source),
            name,
            via,
            absolute(mount),
            fsType,
            mountOptions,
            upper.writable(),
            absolute(upper.upper().orElse(null)),
            replay.choice().text(),
            replay.budget().text(),
            log.map(target -> target.file().toString()).orElse(null),
            log.flatMap(Target::time).map(time -> time.toNanos() / 1e9).orElse(null),
            ahead.paths(),
            ahead.patience().toMillis() / 1000.0);
    PrintWriter out = spec.commandLine().getOut();
    try (Interrupt interrupt = new Interrupt();
        DaemonClient client = control.client()) {
      JsonObject device = attach(client, request, interrupt);
      if (json) {
        Json.print(out, device);
      } else {
        DeviceText.attached(out, device);
        if (via.equals("auto")) {
          DeviceText.doorsPassedOver(out, client.get("/v1/status"), device);
        }
      }
    }
    return 0;
  }

  private JsonObject attach(DaemonClient client, Attach request, Interrupt interrupt)
      throws IOException, InterruptedException {
    // On a thread of its own: Ctrl-C ends the wait, and the daemon undoes what nobody waits for.
    var answer = new CompletableFuture<JsonObject>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            answer.complete(ask(client, request));
          } catch (Throwable e) { // whoever waits must hear of it
            answer.completeExceptionally(e);
          }
        });
    long start = Ticker.SYSTEM.nanos();
    boolean said = false;
    while (!answer.isDone()) {
      if (!said && Ticker.SYSTEM.nanos() - start > QUIET_NANOS) {
        said = true;
        spec.commandLine()
            .getErr()
            .println("obd: the daemon is still opening it; 'obd doctor " + source + "' looks why");
        spec.commandLine().getErr().flush();
      }
      if (interrupt.await(POLL_NANOS)) {
        client.close();
        throw new IOException("interrupted: the daemon undoes what it has begun");
      }
    }
    try {
      return answer.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException io) {
        throw io;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private JsonObject ask(DaemonClient client, Attach request)
      throws IOException, InterruptedException {
    try {
      return client.send("POST", "/v1/devices", request);
    } catch (NoDaemonException e) {
      if (!control.isDefault()) {
        throw e;
      }
      OnDemand.start(client, Home.ofProcess().root());
      return client.send("POST", "/v1/devices", request);
    } catch (DaemonException e) {
      if (e.status() == 503) { // one on demand that was just leaving
        OnDemand.start(client, Home.ofProcess().root());
        return client.send("POST", "/v1/devices", request);
      }
      throw e;
    }
  }

  private static @Nullable String absolute(@Nullable Path path) {
    return path == null ? null : path.toAbsolutePath().normalize().toString();
  }

  /** The daemon stands elsewhere: what is a file here is named so that it is found there, too. */
  private static String named(String source) {
    if (source.startsWith("oci:")) {
      String rest = source.substring(4);
      return rest.startsWith("/") ? source : "oci:" + Path.of("").toAbsolutePath().resolve(rest);
    }
    Path file = Path.of(source);
    return Files.isRegularFile(file) ? file.toAbsolutePath().normalize().toString() : source;
  }
}
