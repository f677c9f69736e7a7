package dev.obd.registry.http;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.auth.CredentialProvider;
import dev.obd.registry.tls.TlsOptions;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;

/**
 * How to talk to registries.
 *
 * @param patience for one call that has no patience of its own; for a stream or an upload, how long
 *     it may make no progress
 * @param attempts how often such a call tries at most; ranged reads try until their patience ends
 * @param connectionsPerHost open connections to one host at most
 * @param uploadChunkBytes blobs up to this size are uploaded in one request, larger ones in chunks
 *     of it
 * @param jitter numbers in [0, 1) that spread retries; thread-safe
 * @param network proxies, mirrors and other things on the way
 */
public record RegistryOptions(
    CredentialProvider credentials,
    PlainHttp plainHttp,
    TlsOptions tls,
    Duration patience,
    int attempts,
    int connectionsPerHost,
    int uploadChunkBytes,
    String userAgent,
    RegistryClock clock,
    DoubleSupplier jitter,
    NetworkOptions network) {
  public RegistryOptions {
    require(patience.isPositive(), "patience", "more than nothing", patience);
    require(attempts >= 1, "attempts", "at least 1", attempts);
    require(connectionsPerHost >= 1, "connectionsPerHost", "at least 1", connectionsPerHost);
    require(uploadChunkBytes >= 1, "uploadChunkBytes", "at least 1", uploadChunkBytes);
  }

  /** Anonymous, TLS except on loopback, half a minute's patience. */
  public static RegistryOptions defaults() {
    return new RegistryOptions(
        CredentialProvider.NONE,
        PlainHttp.LOOPBACK,
        TlsOptions.DEFAULT,
        Duration.ofSeconds(30),
        6,
        32,
        32 << 20,
        "obd",
        RegistryClock.SYSTEM,
        () -> ThreadLocalRandom.current().nextDouble(),
        NetworkOptions.DIRECT);
  }

  public RegistryOptions withCredentials(CredentialProvider replacement) {
    return new RegistryOptions(
        replacement,
        plainHttp,
        tls,
        patience,
        attempts,
        connectionsPerHost,
        uploadChunkBytes,
        userAgent,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withPlainHttp(PlainHttp replacement) {
    return new RegistryOptions(
        credentials,
        replacement,
        tls,
        patience,
        attempts,
        connectionsPerHost,
        uploadChunkBytes,
        userAgent,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withTls(TlsOptions replacement) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        replacement,
        patience,
        attempts,
        connectionsPerHost,
        uploadChunkBytes,
        userAgent,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withPatience(Duration replacement, int replacementAttempts) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        tls,
        replacement,
        replacementAttempts,
        connectionsPerHost,
        uploadChunkBytes,
        userAgent,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withConnectionsPerHost(int replacement) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        tls,
        patience,
        attempts,
        replacement,
        uploadChunkBytes,
        userAgent,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withUploadChunkBytes(int replacement) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        tls,
        patience,
        attempts,
        connectionsPerHost,
        replacement,
        userAgent,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withUserAgent(String replacement) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        tls,
        patience,
        attempts,
        connectionsPerHost,
        uploadChunkBytes,
        replacement,
        clock,
        jitter,
        network);
  }

  public RegistryOptions withClock(RegistryClock replacement, DoubleSupplier replacementJitter) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        tls,
        patience,
        attempts,
        connectionsPerHost,
        uploadChunkBytes,
        userAgent,
        replacement,
        replacementJitter,
        network);
  }

  public RegistryOptions withNetwork(NetworkOptions replacement) {
    return new RegistryOptions(
        credentials,
        plainHttp,
        tls,
        patience,
        attempts,
        connectionsPerHost,
        uploadChunkBytes,
        userAgent,
        clock,
        jitter,
        replacement);
  }

  private static void require(boolean holds, String key, String expected, Object got) {
    if (!holds) {
      throw new IllegalArgumentException(key + ": expected " + expected + ", got " + got);
    }
  }
}
