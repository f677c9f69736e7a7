package dev.obd.registry.auth;

import dev.obd.registry.JsonFields;
import dev.obd.registry.Untrusted;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Programs that keep docker's credentials: {@code docker-credential-NAME get}, the address on
 * standard input, {@code {"Username": …, "Secret": …}} on standard output. Source: docker
 * credential-helpers protocol.
 */
public final class CredentialHelper {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}");
  private static final int MAX_OUTPUT = 64 << 10;
  private static final String TOKEN_USER = "<token>";

  private final Duration patience;
  private final UnaryOperator<String> program;

  /** Finds helpers on PATH. Those that take longer than {@code patience} are killed. */
  public CredentialHelper(Duration patience) {
    this(patience, UnaryOperator.identity());
  }

  /** As above; {@code program} says what to run for a helper's name. */
  CredentialHelper(Duration patience, UnaryOperator<String> program) {
    this.patience = patience;
    this.program = program;
  }

  /** What helper {@code name} knows of {@code address}. */
  Credential get(String name, String address) throws IOException {
    if (!NAME.matcher(name).matches()) {
      throw new IOException("credential helper: bad name '" + Untrusted.printable(name, 80) + "'");
    }
    String named = "docker-credential-" + name;
    // Its standard error may hold anything, secrets too: it goes nowhere.
    Process process =
        new ProcessBuilder(program.apply(named), "get")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      return talk(named, process, address);
    } finally {
      // Not its descendants: finding them reads every process's entry in /proc, which blocks while
      // any process waits for a page of a disk that may be ours to serve.
      process.destroyForcibly();
      process.getInputStream().close();
    }
  }

  private Credential talk(String named, Process process, String address) throws IOException {
    var output = new CompletableFuture<byte[]>();
    // A platform thread: reading a pipe holds a carrier, for long if a child of the helper lives
    // on.
    Thread.ofPlatform()
        .daemon()
        .name("obd-credential-helper")
        .start(() -> readAll(process.getInputStream(), output));
    try (OutputStream in = process.getOutputStream()) {
      in.write((address + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // It may answer without reading the question; its exit status decides.
    }
    byte[] answer;
    try {
      if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new IOException(named + ": no answer within " + patience.toMillis() + " ms");
      }
      answer = output.get(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw (IOException) new InterruptedIOException(named + ": interrupted").initCause(e);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new IOException(named + ": its output cannot be read", e);
    }
    if (process.exitValue() != 0) {
      String text = new String(answer, StandardCharsets.UTF_8).strip();
      if (text.contains("credentials not found")) {
        return Credential.ANONYMOUS;
      }
      throw new IOException(
          named + ": exit status " + process.exitValue() + ": " + Untrusted.printable(text, 200));
    }
    if (answer.length > MAX_OUTPUT) {
      throw new IOException(named + ": expected at most " + MAX_OUTPUT + " bytes of output");
    }
    JsonFields fields = JsonFields.parse(named, answer);
    String user = fields.requiredString("Username");
    String secret = fields.requiredString("Secret");
    return user.equals(TOKEN_USER)
        ? new Credential.IdentityToken(secret)
        : new Credential.UserPassword(user, secret);
  }

  /** Reads on past the limit, so that the helper can end, but keeps no more than one byte of it. */
  private static void readAll(InputStream in, CompletableFuture<byte[]> output) {
    var kept = new ByteArrayOutputStream();
    byte[] buffer = new byte[8192];
    try (in) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        kept.write(buffer, 0, Math.min(n, MAX_OUTPUT + 1 - kept.size()));
      }
      output.complete(kept.toByteArray());
    } catch (IOException | UncheckedIOException e) {
      output.completeExceptionally(e);
    }
  }
}
