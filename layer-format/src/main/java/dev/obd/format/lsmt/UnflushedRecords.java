package dev.obd.format.lsmt;

import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/**
 * Records that the index file does not have yet, in a file beside it, so that they outlive the
 * process: a write that was answered stays written when the process is killed. Nothing here is ever
 * synced, and nothing that another boot of the machine has left is believed: after a crash of the
 * machine what counts is what was flushed.
 *
 * <pre>
 * offset bytes field
 *      0     8 magic "obd-unfl"
 *      8    16 id of the layer
 *     24    16 id of the boot
 *   4096       {@value #SLOTS} slots, record n in slot n modulo their number:
 *      0     8 n, counted from 1 in the whole index file
 *      8    16 the record
 *     24     8 check: n ^ word 0 ^ word 1 ^ magic
 * </pre>
 *
 * All numbers are little-endian. No slot crosses a page, so each is written whole or not at all,
 * whenever the process dies. For one thread at a time.
 */
final class UnflushedRecords implements Closeable {
  /** No fewer than records may wait for the index file: a batch on its way, and the next one. */
  static final int SLOTS = 4 * Journal.MAX_PENDING;

  static final int SLOTS_AT = 4096;
  static final int SLOT_BYTES = 32;

  private static final long MAGIC = 0x6C66_6E75_2D64_626FL;
  private static final int HEADER_BYTES = 40;
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private final Path path;
  private final StoreFile file;
  private final ByteBuffer slot =
      ByteBuffer.allocateDirect(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private UnflushedRecords(Path path, StoreFile file) {
    this.path = path;
    this.file = file;
  }

  static Path beside(Path index) {
    return index.resolveSibling(index.getFileName() + ".unflushed");
  }

  /**
   * Opens those of a layer whose files are locked; makes the file if it is missing, and empties it
   * if it is another layer's or of another boot. Empty where boots cannot be told apart.
   */
  static Optional<UnflushedRecords> open(Path index, UUID layer) throws IOException {
    UUID boot;
    try {
      boot = UUID.fromString(Files.readString(BOOT_ID).strip());
    } catch (IOException | IllegalArgumentException _) {
      return Optional.empty();
    }
    Path path = beside(index);
    StoreFile file = Files.exists(path) ? StoreFile.open(path) : StoreFile.create(path);
    try {
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      header.putLong(MAGIC);
      header.putLong(layer.getMostSignificantBits()).putLong(layer.getLeastSignificantBits());
      header.putLong(boot.getMostSignificantBits()).putLong(boot.getLeastSignificantBits());
      header.flip();
      if (!begins(file, header)) {
        file.truncate(0);
        file.write(0, header);
      }
      return Optional.of(new UnflushedRecords(path, file));
    } catch (IOException e) {
      Closing.quietly(file, e);
      throw e;
    }
  }

  private static boolean begins(StoreFile file, ByteBuffer header) throws IOException {
    if (file.size() < HEADER_BYTES) {
      return false;
    }
    ByteBuffer found = ByteBuffer.allocate(HEADER_BYTES);
    file.read(0, found);
    return found.flip().equals(header);
  }

  /** Keeps the record that is, or is to be, the {@code number}th of the index file. */
  void put(long number, long word0, long word1) throws IOException {
    slot.clear();
    slot.putLong(number).putLong(word0).putLong(word1).putLong(check(number, word0, word1));
    file.write(at(number), slot.flip());
  }

  private static long check(long number, long word0, long word1) {
    return number ^ word0 ^ word1 ^ MAGIC;
  }

  private static long at(long number) {
    return SLOTS_AT + Math.floorMod(number, (long) SLOTS) * SLOT_BYTES;
  }

  /**
   * The records that follow the {@code count} of the index file: written, answered, and never
   * flushed by a process that died.
   *
   * @return none if the index file is not the one these records continue
   */
  SegmentIndex after(StoreFile index, long count) throws IOException {
    // Somebody who knows nothing of this file may have written to the layer meanwhile.
    for (long number = Math.max(1, count - SLOTS + 1); number <= count; number++) {
      if (read(number) && !isRecord(index, number)) {
        return SegmentIndex.EMPTY;
      }
    }
    var words = new long[2 * SLOTS];
    int found = 0;
    while (found < SLOTS && read(count + 1 + found)) {
      words[2 * found] = slot.getLong(8);
      words[2 * found + 1] = slot.getLong(16);
      found++;
    }
    return new SegmentIndex(words, found);
  }

  /** True, and the slot is loaded, if the {@code number}th record is here. */
  private boolean read(long number) throws IOException {
    slot.clear();
    if (file.size() < at(number) + SLOT_BYTES) {
      return false;
    }
    file.read(at(number), slot);
    return slot.getLong(0) == number
        && slot.getLong(24) == check(number, slot.getLong(8), slot.getLong(16));
  }

  private boolean isRecord(StoreFile index, long number) throws FormatException, IOException {
    ByteBuffer record = ByteBuffer.allocate(Segment.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    index.read(LayerHeader.BYTES + (number - 1) * Segment.BYTES, record);
    return record.getLong(0) == slot.getLong(8) && record.getLong(8) == slot.getLong(16);
  }

  /** Nothing here is to be believed any more. */
  void forget() throws IOException {
    file.truncate(0);
  }

  /** The index file has everything. */
  void delete() throws IOException {
    Files.deleteIfExists(path);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
