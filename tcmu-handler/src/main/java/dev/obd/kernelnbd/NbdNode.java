package dev.obd.kernelnbd;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A device of the kernel's NBD client, as sysfs shows it. Every question reads anew.
 *
 * @param index N of {@code nbdN}
 */
record NbdNode(int index) {
  /** There once the module is loaded. */
  static final Path MODULE = Path.of("/sys/module/nbd");

  private static final Path BLOCK = Path.of("/sys/block");
  private static final int SECTOR = 512;

  /** All there are, in order. */
  static List<NbdNode> all() throws IOException {
    var indexes = new ArrayList<Integer>();
    try (DirectoryStream<Path> devices = Files.newDirectoryStream(BLOCK, "nbd*")) {
      for (Path device : devices) {
        NbdDeviceOptions.indexOf(device.getFileName().toString()).ifPresent(indexes::add);
      }
    }
    Collections.sort(indexes);
    return indexes.stream().map(NbdNode::new).toList();
  }

  /** {@code /dev/nbdN}. */
  Path path() {
    return Path.of("/dev/nbd" + index);
  }

  /** True if it has been given a server, even if that is gone by now. */
  boolean isConnected() {
    return Files.exists(at("pid"));
  }

  /** What was given as identifier when it was connected; kernels before 5.14 keep none. */
  Optional<String> backend() throws IOException {
    try {
      return Optional.of(text("backend"));
    } catch (NoSuchFileException _) {
      return Optional.empty();
    }
  }

  /** In bytes. */
  long size() throws IOException {
    return number("size") * SECTOR;
  }

  boolean isReadOnly() throws IOException {
    return number("ro") != 0;
  }

  private long number(String attribute) throws IOException {
    String text = text(attribute);
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IOException(at(attribute) + ": expected a number, got " + text, e);
    }
  }

  private String text(String attribute) throws IOException {
    return Files.readString(at(attribute)).strip();
  }

  private Path at(String attribute) {
    return BLOCK.resolve("nbd" + index).resolve(attribute);
  }
}
