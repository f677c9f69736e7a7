package dev.obd.testdata;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A real registry: Debian's {@code docker-registry} as a child process on loopback, behind a small
 * recording proxy that knows each request's range. Plain http. Thread-safe; {@link #close} kills
 * the process and removes what was stored, unless the storage directory was given.
 *
 * <pre>{@code
 * ProcessRegistry.assumeAvailable();
 * try (var registry = ProcessRegistry.start()) { ... registry.host() ... }
 * }</pre>
 */
public final class ProcessRegistry implements AutoCloseable {
  /** The one user of a registry with authentication. */
  public static final String USER = "obd";

  /** The password of {@link #USER}. */
  public static final String PASSWORD = "sesame";

  static final String ISSUER = "obd-testdata";
  private static final String PROGRAM = "docker-registry";
  private static final String BCRYPT = // docker-registry takes nothing else, the JDK has it not
      "$2y$04$9dO9M.ltbUxXVnSMaefiuOu9lFR0nflNcNe5GwTgbIC.m5ICVT2eC";
  private static final Pattern LISTENING = Pattern.compile("listening on [^ \"]*:(\\d+)");
  private static final Duration START_PATIENCE = Duration.ofSeconds(30);

  private final Path directory;
  private final Path storage;
  private final Path output;
  private final Path config;
  private final RecordingProxy proxy;
  private final @Nullable TokenServer tokens;
  private final Thread atExit = new Thread(this::kill);
  private @Nullable Process process;

  /** What kind of registry to start. Not thread-safe. */
  public static final class Builder {
    private @Nullable Path storage;
    private boolean basic;
    private @Nullable Duration tokenLifetime;
    private Profile link = Profile.INSTANT;

    private Builder() {}

    /** Keeps blobs in {@code directory}, which {@link ProcessRegistry#close} leaves alone. */
    public Builder storage(Path directory) {
      this.storage = directory;
      return this;
    }

    /** Wants Basic authentication: {@link #USER}, {@link #PASSWORD}. */
    public Builder basicAuth() {
      this.basic = true;
      return this;
    }

    /**
     * Wants bearer tokens from a token service. Without credentials the service grants pull, with
     * {@link #USER}'s what is asked.
     *
     * @param lifetime how long the registry accepts a token, in whole seconds
     */
    public Builder tokenAuth(Duration lifetime) {
      this.tokenLifetime = lifetime;
      return this;
    }

    /** Puts the registry behind a link with this latency and download bandwidth. */
    public Builder link(Profile link) {
      this.link = link;
      return this;
    }

    /** Starts it and waits until it answers. */
    public ProcessRegistry start() throws IOException, InterruptedException {
      return new ProcessRegistry(this);
    }
  }

  /** Describes a registry to start. */
  public static Builder with() {
    return new Builder();
  }

  /** Starts a registry without authentication and with storage of its own. */
  public static ProcessRegistry start() throws IOException, InterruptedException {
    return with().start();
  }

  /** Why this machine cannot run it, or null if it can. */
  public static @Nullable String unavailableBecause() {
    return Tools.find(PROGRAM).isPresent()
        ? null
        : PROGRAM + " is not on PATH (Debian package " + PROGRAM + ")";
  }

  /** Skips the running test, saying why, if this machine cannot run it. */
  public static void assumeAvailable() {
    Tools.requireOnPath(PROGRAM);
  }

  private ProcessRegistry(Builder what) throws IOException, InterruptedException {
    directory = Files.createTempDirectory("registry");
    output = directory.resolve("output");
    config = directory.resolve("config.yml");
    storage = what.storage == null ? directory.resolve("storage") : what.storage;
    proxy = new RecordingProxy(what.link);
    var key = new SigningKey(ISSUER);
    tokens =
        what.tokenLifetime == null
            ? null
            : new TokenServer(key, USER, PASSWORD, what.tokenLifetime);
    Files.writeString(directory.resolve("htpasswd"), USER + ":" + BCRYPT + "\n");
    Files.writeString(directory.resolve("token.pem"), key.certificatePem());
    Files.writeString(config, config(what.basic));
    Runtime.getRuntime().addShutdownHook(atExit);
    try {
      launch();
    } catch (IOException | InterruptedException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private String config(boolean basic) {
    var text = new StringBuilder();
    text.append("version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n");
    text.append("storage:\n  delete: {enabled: true}\n  filesystem: {rootdirectory: '");
    text.append(storage.toAbsolutePath()).append("'}\n");
    text.append("http: {addr: '127.0.0.1:0'}\n");
    if (basic) {
      text.append("auth: {htpasswd: {realm: obd, path: '%s'}}\n".formatted(inside("htpasswd")));
    } else if (tokens != null) {
      text.append(
          "auth: {token: {realm: '%s', service: obd-test, issuer: %s, rootcertbundle: '%s'}}\n"
              .formatted(tokens.realm(), ISSUER, inside("token.pem")));
    }
    return text.toString();
  }

  private Path inside(String name) {
    return directory.resolve(name).toAbsolutePath();
  }

  private synchronized void launch() throws IOException, InterruptedException {
    Path program = Tools.find(PROGRAM).orElseThrow(() -> new IOException(unavailableBecause()));
    Files.deleteIfExists(output);
    process =
        new ProcessBuilder(program.toString(), "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    process.getOutputStream().close();
    long giveUp = System.nanoTime() + START_PATIENCE.toNanos();
    while (true) {
      // It listens from before it writes this line: no need to knock.
      Matcher listening = LISTENING.matcher(output());
      if (listening.find()) {
        proxy.upstream(Integer.parseInt(listening.group(1)));
        return;
      }
      if (process.waitFor(5, TimeUnit.MILLISECONDS) || System.nanoTime() - giveUp > 0) {
        throw new IOException(PROGRAM + " did not start: " + output());
      }
    }
  }

  /** {@code 127.0.0.1:PORT}, the first part of a reference. */
  public String host() {
    return "127.0.0.1:" + proxy.port();
  }

  /** {@code http://127.0.0.1:PORT/}. */
  public URI uri() {
    return URI.create("http://" + host() + "/");
  }

  /** Where blobs lie: {@code docker/registry/v2/blobs/sha256/ab/ab.../data}. */
  public Path storage() {
    return storage;
  }

  /** The file that holds a blob's bytes. */
  public Path blobFile(String digest) {
    String hex = digest.substring(digest.indexOf(':') + 1);
    return storage.resolve(
        "docker/registry/v2/blobs/sha256/" + hex.substring(0, 2) + "/" + hex + "/data");
  }

  /** Requests that have been answered since the start or {@link #clearLog}, in that order. */
  public List<LoggedRequest> log() {
    return proxy.log();
  }

  /** Requests to the token service; empty without {@link Builder#tokenAuth}. */
  public List<LoggedRequest> tokenLog() {
    return tokens == null ? List.of() : tokens.log();
  }

  /** Forgets what was logged. */
  public void clearLog() {
    proxy.clearLog();
    if (tokens != null) {
      tokens.clearLog();
    }
  }

  /** Connections accepted since the start. */
  public long connections() {
    return proxy.accepted();
  }

  /** What the process has written. */
  public String output() {
    try {
      return Files.exists(output) ? Files.readString(output) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Kills the process; connections are reset until {@link #restart}. What was stored stays. */
  public void stop() {
    proxy.upstream(0);
    kill();
  }

  /** Starts the process again under the same address, after {@link #stop}. */
  public void restart() throws IOException, InterruptedException {
    stop();
    launch();
  }

  private synchronized void kill() {
    if (process != null) {
      process.destroyForcibly(); // it starts no others
      try {
        process.waitFor(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      process = null;
    }
  }

  @Override
  public void close() throws IOException {
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // The machine is shutting down; the hook is running or has run.
    }
    proxy.close();
    if (tokens != null) {
      tokens.close();
    }
    delete(directory);
  }

  private static void delete(Path tree) throws IOException {
    Files.walkFileTree(
        tree,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes a) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path d, @Nullable IOException e)
              throws IOException {
            Files.delete(d);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
