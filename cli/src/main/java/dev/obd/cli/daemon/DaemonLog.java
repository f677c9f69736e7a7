package dev.obd.cli.daemon;

import dev.obd.backstore.admin.LogLevels;
import dev.obd.backstore.config.ServiceConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.builder.api.AppenderComponentBuilder;
import org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilder;
import org.apache.logging.log4j.core.config.builder.api.ConfigurationBuilderFactory;
import org.apache.logging.log4j.core.config.builder.impl.BuiltConfiguration;
import org.jspecify.annotations.Nullable;

/**
 * Where a daemon's log and its audit log go, as its configuration has it. Files are written by a
 * thread of its own: a disk that hangs may cost lines, never a device's answer.
 */
public final class DaemonLog implements LogLevels {
  private static final String AUDIT = "dev.obd.audit";
  private static final String LINE =
      "%d{yyyy/MM/dd HH:mm:ss.SSSSSS}|%-5level|th=%tid|%c{1}: %m%throwable{short.message}%n";
  private static final String AUDIT_LINE = "%d{yyyy/MM/dd HH:mm:ss.SSSSSS}|AUDIT|%m%n";
  private static final long AUDIT_BYTES = 10 << 20;
  private static final int AUDIT_FILES = 3;
  private static final int QUEUED_LINES = 8192;
  private static final List<String> LEVELS = List.of("debug", "info", "warn", "error");

  private final Optional<Logger> audit;
  private volatile String level;

  private DaemonLog(String level, Optional<Logger> audit) {
    this.level = level;
    this.audit = audit;
  }

  /**
   * Directs all logging of this process from now on. A file that cannot be written is replaced by
   * standard error, which is then told so.
   */
  public static DaemonLog start(ServiceConfig.Log log, ServiceConfig.Audit audit) {
    ConfigurationBuilder<BuiltConfiguration> builder =
        ConfigurationBuilderFactory.newConfigurationBuilder();
    builder.setStatusLevel(Level.ERROR).setConfigurationName("obd-daemon");
    builder.setShutdownHook("disable"); // the daemon has something to say until its end
    String level = log.level().name().toLowerCase(Locale.ROOT);
    String problem = log.path().map(DaemonLog::problem).orElse(null);
    Path file = problem == null ? log.path().orElse(null) : null;
    add(builder, "log", file, LINE, log.bytes(), log.files());
    builder.add(builder.newLogger("io.netty", Level.WARN));
    builder.add(builder.newLogger("org.apache.hc", Level.WARN));
    builder.add(builder.newRootLogger(Level.valueOf(level)).add(builder.newAppenderRef("log")));
    String auditProblem = audit.enabled() ? problem(audit.path()) : null;
    boolean audited = audit.enabled() && auditProblem == null;
    if (audited) {
      add(builder, "audit", audit.path(), AUDIT_LINE, AUDIT_BYTES, AUDIT_FILES);
      builder.add(
          builder
              .newLogger(AUDIT, Level.INFO)
              .add(builder.newAppenderRef("audit"))
              .addAttribute("additivity", false));
    }
    Configurator.reconfigure(builder.build());
    Logger log4j = LogManager.getLogger(DaemonLog.class);
    if (problem != null) {
      log4j.warn("log.file.unusable {}", problem);
    }
    if (auditProblem != null) {
      log4j.warn("audit.file.unusable {}", auditProblem);
    }
    return new DaemonLog(
        level, audited ? Optional.of(LogManager.getLogger(AUDIT)) : Optional.empty());
  }

  /** Why {@code file} cannot be written to; null if it can. */
  private static @Nullable String problem(Path file) {
    try {
      Path parent = file.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.newByteChannel(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND).close();
      return null;
    } catch (IOException e) {
      return file + ": " + e;
    }
  }

  /** A file that is rotated, filled by a thread of its own; or standard error. */
  private static void add(
      ConfigurationBuilder<BuiltConfiguration> builder,
      String name,
      @Nullable Path file,
      String line,
      long bytes,
      int files) {
    var layout = builder.newLayout("PatternLayout").addAttribute("pattern", line);
    if (file == null) {
      builder.add(
          builder.newAppender(name, "Console").addAttribute("target", "SYSTEM_ERR").add(layout));
      return;
    }
    AppenderComponentBuilder rolling =
        builder
            .newAppender(name + "-file", "RollingFile")
            .addAttribute("fileName", file)
            .addAttribute("filePattern", file + ".%i")
            .add(layout)
            .addComponent(
                builder.newComponent("SizeBasedTriggeringPolicy").addAttribute("size", bytes))
            .addComponent(
                builder
                    .newComponent("DefaultRolloverStrategy")
                    .addAttribute("fileIndex", "min") // .1 is the newest, as overlaybd has it
                    .addAttribute("max", Math.max(1, files - 1)));
    builder.add(rolling);
    builder.add(
        builder
            .newAppender(name, "Async")
            .addAttribute("blocking", false)
            .addAttribute("bufferSize", QUEUED_LINES)
            .addComponent(builder.newAppenderRef(name + "-file")));
  }

  /** Takes lines of the audit log; empty if there is none. */
  public Optional<Consumer<String>> audit() {
    return audit.map(logger -> line -> logger.info("{}", line));
  }

  @Override
  public String level() {
    return level;
  }

  @Override
  public synchronized void set(String wanted) {
    String name = wanted.toLowerCase(Locale.ROOT);
    if (!LEVELS.contains(name)) {
      throw new IllegalArgumentException(
          "level: expected one of " + LEVELS + ", got '" + wanted + "'");
    }
    Configurator.setRootLevel(Level.valueOf(name));
    level = name;
    LogManager.getLogger(DaemonLog.class).info("log.level level={}", name);
  }

  /** Writes what is queued; nothing is logged after that. */
  public void stop() {
    LogManager.shutdown();
  }
}
