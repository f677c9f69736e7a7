package dev.obd.kernelnbd;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a {@code nbd-device:} URI asks for: {@code nbd-device:///nbd3?dead=300}.
 *
 * <pre>
 * path           nbdN: that device; empty: the first that is free
 * connections=N  sockets between kernel and process, 1 to 16 (1)
 * timeout=S      seconds after which the kernel gives up on an answer, and sends the request again on a new
 *                connection (75: longer than a device is patient by default); 0: it waits for ever, and looks
 *                every 30 s whether there is a new connection; for one connection only, since with more of
 *                them a write that is only late would be overtaken by its own repetition
 * dead=S         seconds that I/O waits for a new process when this one has died (60); 0: it fails at once
 * block=B        logical block size: 512, 1024, 2048 or 4096 bytes (512)
 * ro=1           read-only, even if the device is writable
 * force=1        closing takes the device away from whoever uses it, instead of failing
 * </pre>
 *
 * @param index N of {@code /dev/nbdN}
 */
record NbdDeviceOptions(
    OptionalInt index,
    int connections,
    Duration timeout,
    Duration dead,
    int blockBytes,
    boolean readOnly,
    boolean force) {
  private static final int MAX_CONNECTIONS = 16;
  private static final int MAX_SECONDS = 7 * 24 * 3600;
  private static final int MAX_INDEX = 9999;
  private static final Pattern NAME = Pattern.compile("nbd([0-9]{1,4})");

  static NbdDeviceOptions parse(URI where) throws IOException {
    String path = where.getPath();
    if (where.getHost() != null || path == null || !path.startsWith("/")) {
      throw new IOException("expected nbd-device:///nbdN or nbd-device:///, got " + where);
    }
    OptionalInt index = OptionalInt.empty();
    if (path.length() > 1) {
      index = indexOf(path.substring(1));
      if (index.isEmpty()) {
        throw new IOException(
            "expected nbd-device:///nbdN, N from 0 to " + MAX_INDEX + ", got " + where);
      }
    }
    int connections = 1;
    int timeout = 75;
    int dead = 60;
    int block = 512;
    boolean readOnly = false;
    boolean force = false;
    String query = where.getRawQuery();
    for (String item : query == null || query.isEmpty() ? new String[0] : query.split("&", -1)) {
      int equals = item.indexOf('=');
      String key = equals < 0 ? item : item.substring(0, equals);
      String value = equals < 0 ? "1" : item.substring(equals + 1);
      switch (key) {
        case "connections" -> connections = number(key, value, 1, MAX_CONNECTIONS);
        case "timeout" -> timeout = number(key, value, 0, MAX_SECONDS);
        case "dead" -> dead = number(key, value, 0, MAX_SECONDS);
        case "block" -> block = number(key, value, 512, 4096);
        case "ro" -> readOnly = number(key, value, 0, 1) == 1;
        case "force" -> force = number(key, value, 0, 1) == 1;
        default ->
            throw new IOException(
                where + ": expected connections, timeout, dead, block, ro or force, got " + key);
      }
    }
    if (timeout == 0 && connections > 1) {
      throw new IOException("timeout: 0 needs a single connection, got " + connections);
    }
    if (Integer.bitCount(block) != 1) {
      throw new IOException("block: expected 512, 1024, 2048 or 4096, got " + block);
    }
    return new NbdDeviceOptions(
        index,
        connections,
        Duration.ofSeconds(timeout),
        Duration.ofSeconds(dead),
        block,
        readOnly,
        force);
  }

  /** N of {@code nbdN}. */
  static OptionalInt indexOf(String name) {
    Matcher matcher = NAME.matcher(name);
    return matcher.matches()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
        : OptionalInt.empty();
  }

  private static int number(String key, String value, int least, int most) throws IOException {
    try {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException _) {
      // told below
    }
    throw new IOException(key + ": expected " + least + " to " + most + ", got " + value);
  }
}
