package dev.obd.cli;

import dev.obd.backstore.config.Home;
import dev.obd.backstore.config.ServiceConfig;
import dev.obd.backstore.config.ServiceConfigReader;
import dev.obd.backstore.fleet.FleetException;
import dev.obd.cli.daemon.Daemon;
import dev.obd.cli.daemon.DaemonOptions;
import dev.obd.cli.daemon.ServiceManager;
import dev.obd.cli.daemon.Watchdog;
import dev.obd.registry.Platform;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd daemon}. */
@Command(
    name = "daemon",
    mixinStandardHelpOptions = true,
    description = {
      "Serve devices until SIGINT or SIGTERM: those that the accelerated container image snapshotter makes, in place of overlaybd-tcmu, and those of 'obd attach'.",
      "Prints one line that begins with 'ready' once it serves. When it ends, devices of the kernel's target core stay, and their requests wait for the next daemon.",
      "",
      "Without CONFIG, /etc/overlaybd/overlaybd.json is read if it is there; otherwise everything is kept under OBD_HOME and the log goes to standard error.",
      "Exit status: 0 it was told to end, 1 it failed, 2 wrong usage, 3 another daemon serves this OBD_HOME.",
      "",
      "Example:  obd daemon --no-tcmu",
      "          obd daemon /etc/overlaybd/overlaybd.json",
      "It tells systemd how it is (Type=notify); see the unit in the distribution's systemd folder."
    })
final class DaemonCommand implements Callable<Integer> {
  private static final Path SYSTEM_CONFIG = Path.of("/etc/overlaybd/overlaybd.json");
  private static final int ALREADY_RUNNING = 3;
  private static final long IDLE_LOOK_NANOS = Duration.ofSeconds(1).toNanos();

  /** Devices that drain slowly must not be cut short by our own impatience. */
  private static final Duration GRACE = Duration.ofMinutes(5);

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "CONFIG",
      arity = "0..1",
      description = "overlaybd.json (default: " + "/etc/overlaybd/overlaybd.json, if it is there).")
  private @Nullable Path config;

  @Option(
      names = "--no-tcmu",
      description =
          "Leave devices of the kernel's target core alone; 'obd attach' uses other ways.")
  private boolean noTcmu;

  @Option(
      names = "--on-demand",
      description =
          "End once there has been nothing to do for a while. 'obd attach' starts a daemon like that if there is none.")
  private boolean onDemand;

  @Option(
      names = "--linger",
      paramLabel = "TIME",
      converter = Durations.Converter.class,
      description = "How long such a daemon waits for more to do (default 60s).")
  private Duration linger = Duration.ofSeconds(60);

  @Override
  public Integer call() throws Exception {
    Home home = Home.ofProcess();
    ServiceConfig settings = settings(home);
    Home where = settings.own().home().map(Home::new).orElse(home);
    var options =
        new DaemonOptions(
            where,
            settings,
            !noTcmu,
            onDemand ? Optional.of(linger) : Optional.empty(),
            Platform.current(),
            Main.version());
    ServiceManager manager = ServiceManager.of(System.getenv(), ProcessHandle.current().pid());
    try (Interrupt interrupt = new Interrupt(GRACE);
        Daemon daemon = Daemon.start(options);
        Watchdog _ = Watchdog.start(manager, daemon)) {
      PrintWriter out = spec.commandLine().getOut();
      out.println("ready (" + daemon.summary() + ")");
      out.flush();
      manager.ready(daemon.summary());
      while (!interrupt.await(IDLE_LOOK_NANOS) && !daemon.isIdle()) {
        // one look per second
      }
      manager.stopping();
    } catch (FleetException e) {
      if (e.kind() == FleetException.Kind.CONFLICT) {
        spec.commandLine().getErr().println("obd: " + e.getMessage());
        return ALREADY_RUNNING;
      }
      throw e;
    }
    return 0;
  }

  private ServiceConfig settings(Home home) throws IOException {
    if (config != null) {
      if (!Files.exists(config)) {
        throw new NoSuchFileException(config.toString());
      }
      return ServiceConfigReader.read(config);
    }
    boolean system = !onDemand && Files.exists(SYSTEM_CONFIG);
    return system ? ServiceConfigReader.read(SYSTEM_CONFIG) : ServiceConfig.in(home);
  }
}
