package dev.obd.cli.daemon;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import jnr.unixsocket.UnixDatagramChannel;
import jnr.unixsocket.UnixSocketAddress;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Tells the service manager that started this process how it is: systemd's datagrams, which need no
 * library of it. Does nothing where there is none. Thread-safe.
 */
public final class ServiceManager {
  private static final Logger log = LogManager.getLogger(ServiceManager.class);

  private final Optional<String> socket;
  private final Optional<Duration> watchdog;

  private ServiceManager(Optional<String> socket, Optional<Duration> watchdog) {
    this.socket = socket;
    this.watchdog = watchdog;
  }

  /** As the environment says. */
  public static ServiceManager of(Map<String, String> environment, long pid) {
    Optional<String> socket =
        Optional.ofNullable(environment.get("NOTIFY_SOCKET")).filter(s -> s.length() > 1);
    String forWhom = environment.getOrDefault("WATCHDOG_PID", Long.toString(pid));
    Optional<Duration> watchdog =
        Optional.ofNullable(environment.get("WATCHDOG_USEC"))
            .filter(text -> text.matches("[1-9]\\d{0,15}"))
            .filter(_ -> forWhom.equals(Long.toString(pid)))
            .map(text -> Duration.ofNanos(Long.parseLong(text) * 1000));
    return new ServiceManager(socket, watchdog);
  }

  /** How often at least it wants to hear that all is well; empty if it does not want to. */
  public Optional<Duration> watchdog() {
    return socket.isPresent() ? watchdog : Optional.empty();
  }

  /** Everything is up; {@code status} is for humans. */
  public void ready(String status) {
    tell("READY=1\nSTATUS=" + oneLine(status));
  }

  /** What it shows to humans. */
  public void status(String status) {
    tell("STATUS=" + oneLine(status));
  }

  /** All is well. */
  public void alive() {
    tell("WATCHDOG=1");
  }

  /** The end has begun. */
  public void stopping() {
    tell("STOPPING=1");
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }

  private void tell(String message) {
    if (socket.isEmpty()) {
      return;
    }
    // An at-sign stands for the zero byte that begins an abstract name.
    String name = socket.get().startsWith("@") ? "\0" + socket.get().substring(1) : socket.get();
    try (UnixDatagramChannel channel = UnixDatagramChannel.open()) {
      channel.send(
          ByteBuffer.wrap(message.getBytes(StandardCharsets.UTF_8)), new UnixSocketAddress(name));
    } catch (IOException | RuntimeException e) {
      log.warn("systemd.notify.failed message={}", oneLine(message), e);
    }
  }
}
