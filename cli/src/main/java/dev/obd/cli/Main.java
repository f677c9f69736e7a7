package dev.obd.cli;

import dev.obd.io.FailureText;
import dev.obd.io.PendingFile;
import dev.obd.io.Printable;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The obd command. Exit status: 0 done, 1 it failed or the answer is no, 2 wrong usage. */
@Command(
    name = "obd",
    versionProvider = Main.Version.class,
    mixinStandardHelpOptions = true,
    description = "Block devices from layered images in a registry, fetched as they are read.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "An image is named by a reference (registry/repository:tag), by an OCI layout directory (oci:DIR[:tag]),",
      "or, for reading, by an overlaybd config.v1.json or a layer file.",
      "OBD_HOME holds the local store, the cache and the state (default ~/.local/share/obd, /var/lib/obd for root).",
      "Try it:  obd quickstart"
    },
    subcommands = {
      QuickstartCommand.class,
      PullCommand.class,
      FetchCommand.class,
      InitCommand.class,
      HoldCommand.class,
      UnholdCommand.class,
      PushCommand.class,
      LsCommand.class,
      TagCommand.class,
      RmCommand.class,
      AttachCommand.class,
      DetachCommand.class,
      PsCommand.class,
      StatusCommand.class,
      DoctorCommand.class,
      DaemonCommand.class,
      LogLevelCommand.class,
      ServeCommand.class,
      RecordCommand.class,
      CommitCommand.class,
      ImportCommand.class,
      ExportCommand.class,
      InspectCommand.class,
      TraceCommand.class,
      LayerCommand.class,
      CacheCommand.class,
      CommandLine.HelpCommand.class,
      CompletionCommand.class
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Log in detail and print stack traces of failures.")
  private boolean debug;

  private Main() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is needed");
  }

  /** The command line with all its commands, writing to the given streams. */
  static CommandLine commandLine(PrintWriter out, PrintWriter err) {
    Main main = new Main();
    CommandLine line = new CommandLine(main);
    line.setOut(out);
    line.setErr(err);
    line.setExecutionStrategy(main::execute);
    line.setExecutionExceptionHandler(main::failed);
    line.setParameterExceptionHandler(Main::misused);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    return line;
  }

  /** What is wrong stays the last thing on the screen: the whole help would push it away. */
  private static int misused(ParameterException e, String[] arguments) {
    CommandLine line = e.getCommandLine();
    PrintWriter err = line.getErr();
    err.println("obd: " + e.getMessage());
    if (arguments.length == 0) {
      line.usage(err);
    } else {
      UnmatchedArgumentException.printSuggestions(e, err);
      err.println(
          "Try '" + line.getCommandSpec().qualifiedName() + " --help' for what is expected.");
    }
    err.flush();
    return line.getCommandSpec().exitCodeOnInvalidInput();
  }

  private int execute(ParseResult parsed) {
    if (debug) {
      // Before the first logger is made: log4j2.properties asks for them.
      System.setProperty("obd.log.level", "debug");
      System.setProperty("obd.log.throwable", "full");
    }
    try {
      return new Waits(spec.commandLine().getErr(), Ticker.SYSTEM)
          .run(() -> new CommandLine.RunLast().execute(parsed));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // commands' failures come wrapped: see failed
    }
  }

  private int failed(Exception failure, CommandLine line, ParseResult parsed) {
    Exception e =
        failure instanceof UncheckedIOException && failure.getCause() instanceof IOException cause
            ? cause
            : failure;
    PrintWriter err = line.getErr();
    if (e instanceof IllegalArgumentException || e instanceof TypeConversionException) {
      // Names and numbers are read where they are used: what cannot be read there was typed wrong.
      err.println("obd: " + e.getMessage());
      err.println(
          "Try '" + line.getCommandSpec().qualifiedName() + " --help' for what is expected.");
      if (debug) {
        e.printStackTrace(err);
      }
      err.flush();
      return line.getCommandSpec().exitCodeOnInvalidInput();
    }
    err.println("obd: " + Printable.lines(explain(e)));
    for (Throwable suppressed : e.getSuppressed()) {
      err.println("obd:   and then: " + Printable.lines(explain(suppressed)));
    }
    // An I/O error is the world's fault and its message says enough; anything else is ours.
    if (debug || !(e instanceof IOException)) {
      e.printStackTrace(err);
    }
    err.flush();
    return 1;
  }

  /** One line a user can act on. */
  static String explain(Throwable e) {
    return e instanceof IOException ? FailureText.of(e) : "internal error: " + e;
  }

  /** Runs one command. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    Interrupt.otherwise(PendingFile::abandonAll);
    int status = commandLine(out, err).execute(args);
    out.flush();
    if (System.out.checkError() && status == 0) {
      status = 1; // a full disk or a closed pipe behind our output is a failure, not a success
    }
    Interrupt.exit(status);
  }

  /** The version the build wrote into the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"obd " + version()};
    }
  }

  static String version() {
    String version = Main.class.getPackage().getImplementationVersion();
    return version == null ? "(development)" : version;
  }
}
