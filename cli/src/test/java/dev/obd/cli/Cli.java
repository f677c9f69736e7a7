package dev.obd.cli;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;

/** Runs commands in this process. One at a time: where OBD_HOME is, is a system property. */
final class Cli {
  private final Path home;

  /**
   * @param home OBD_HOME of the commands
   */
  Cli(Path home) {
    this.home = home;
  }

  /** What a command did. */
  record Result(int status, String out, String err) {
    /** This result if the command exited with 0. */
    Result expectSuccess() {
      if (status != 0) {
        throw new AssertionError("exit " + status + "\n" + out + err);
      }
      return this;
    }

    /** This result if the command exited with {@code wanted}. */
    Result expect(int wanted) {
      if (status != wanted) {
        throw new AssertionError("exit " + status + ", expected " + wanted + "\n" + out + err);
      }
      return this;
    }

    /** The document on standard output. */
    JsonObject json() {
      return JsonParser.parseString(out).getAsJsonObject();
    }
  }

  Path home() {
    return home;
  }

  /** Runs a command. */
  Result run(String... arguments) {
    synchronized (Cli.class) {
      String before = System.getProperty("obd.home");
      System.setProperty("obd.home", home.toString());
      try {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status =
            Main.commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
        return new Result(status, out.toString(), err.toString());
      } finally {
        if (before == null) {
          System.clearProperty("obd.home");
        } else {
          System.setProperty("obd.home", before);
        }
      }
    }
  }

  /** Runs a command that has to succeed. */
  Result ok(String... arguments) {
    return run(arguments).expectSuccess();
  }
}
