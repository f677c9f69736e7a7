package dev.obd.ublk;

import dev.obd.io.Deadline;
import dev.obd.io.Ticker;
import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The files of a device.
 *
 * @param number N of {@code /dev/ublkbN}
 */
record UblkNode(int number) {
  private static final Path DEV = Path.of("/dev");
  private static final Pattern SERVER = Pattern.compile("ublkc([0-9]{1,7})");
  private static final Pattern DISK = Pattern.compile("/dev/ublkb([0-9]{1,7})");
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration PAUSE = Duration.ofMillis(10);

  /** The one whose disk is at {@code address}. */
  static Optional<UblkNode> ofDisk(String address) {
    return matched(DISK.matcher(address));
  }

  /** All there are, in order, other programs' too. */
  static List<UblkNode> all() throws IOException {
    var numbers = new ArrayList<Integer>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(DEV, "ublkc*")) {
      for (Path file : files) {
        matched(SERVER.matcher(file.getFileName().toString()))
            .ifPresent(node -> numbers.add(node.number));
      }
    }
    Collections.sort(numbers);
    return numbers.stream().map(UblkNode::new).toList();
  }

  private static Optional<UblkNode> matched(Matcher matcher) {
    return matcher.matches()
        ? Optional.of(new UblkNode(Integer.parseInt(matcher.group(1))))
        : Optional.empty();
  }

  /** {@code /dev/ublkbN}: the disk. */
  Path disk() {
    return DEV.resolve("ublkb" + number);
  }

  /** {@code /dev/ublkcN}: for its server. */
  private Path server() {
    return DEV.resolve("ublkc" + number);
  }

  /** Opens the server's file; empty if a process has it, for the kernel lets in one at a time. */
  Optional<Fd> tryOpen() throws IOException {
    try {
      return Optional.of(Fd.open(server(), Fd.READ_WRITE));
    } catch (ErrnoException e) {
      if (e.is(Errno.EBUSY)) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * {@link #tryOpen} of a device that just came: a program that looks at new files may be there.
   */
  Fd open(Ticker ticker) throws IOException {
    Deadline end = Deadline.after(ticker, PATIENCE);
    while (true) {
      Optional<Fd> file = Files.exists(server()) ? tryOpen() : Optional.empty();
      if (file.isPresent()) {
        return file.get();
      }
      pause(ticker, end, "there is no " + server() + ", or another process has it");
    }
  }

  /** Waits for the disk's file. */
  void awaitDisk(Ticker ticker) throws IOException {
    Deadline end = Deadline.after(ticker, PATIENCE);
    while (Files.notExists(disk())) {
      pause(
          ticker, end, "there is no " + disk() + ": a container must be given the host's devices");
    }
  }

  /**
   * Sleeps for a moment.
   *
   * @throws IOException saying {@code trouble} if {@code end} is over
   */
  static void pause(Ticker ticker, Deadline end, String trouble) throws IOException {
    if (end.expired()) {
      throw new IOException(trouble);
    }
    try {
      ticker.sleep(PAUSE.toNanos());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted; " + trouble);
    }
  }
}
