package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.FormatException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Makes, opens and repairs the two files of a {@link WritableLayer}. */
final class WritableFiles {
  private WritableFiles() {}

  static WritableLayer create(Path data, Path index, WritableOptions options) throws IOException {
    List<Path> made = new ArrayList<>();
    try (StoreFile dataFile = StoreFile.create(data)) {
      made.add(data);
      try (StoreFile indexFile = StoreFile.create(index)) {
        made.add(index);
        int sparse = options.sparse() ? LayerHeader.SPARSE : 0;
        header(dataFile, LayerHeader.HEADER | LayerHeader.DATA | sparse, 0, options);
        if (options.sparse()) {
          growWithoutData(data, options.virtualSize());
          dataFile.sync();
        } else {
          header(indexFile, LayerHeader.HEADER, LayerHeader.BYTES, options);
        }
      }
    } catch (IOException | RuntimeException e) {
      for (Path path : made) {
        Files.deleteIfExists(path);
      }
      throw e;
    }
    return open(data, index);
  }

  private static void header(StoreFile file, int flags, long indexOffset, WritableOptions options)
      throws IOException {
    LayerHeader header =
        LayerHeader.of(
            flags, indexOffset, 0, options.virtualSize(), options.uuid(), options.parentUuid(), "");
    file.write(0, header.encode());
    file.sync();
  }

  private static void growWithoutData(Path data, long virtualSize) throws IOException {
    try (HostFile host = HostFile.open(data)) {
      host.setSize(LayerHeader.BYTES + virtualSize);
    }
  }

  static WritableLayer open(Path data, Path index) throws IOException {
    List<Closeable> opened = new ArrayList<>();
    try {
      StoreFile dataFile = StoreFile.open(data);
      opened.add(dataFile);
      dataFile.lock();
      LayerHeader header = dataFile.header();
      header.require(dataFile.name(), 0, LayerHeader.HEADER, true, "a header");
      header.require(dataFile.name(), 0, LayerHeader.DATA, true, "a data file");
      header.require(dataFile.name(), 0, LayerHeader.SEALED, false, "a writable file");
      StoreFile indexFile = StoreFile.open(index);
      opened.add(indexFile);
      if (!header.has(LayerHeader.SPARSE)) {
        Optional<UnflushedRecords> unflushed = UnflushedRecords.open(index, header.uuid());
        unflushed.ifPresent(opened::add);
        return openLog(dataFile, header, indexFile, unflushed);
      }
      HostFile host = HostFile.open(data);
      opened.add(host);
      return openSparse(dataFile, header, host, indexFile);
    } catch (IOException | RuntimeException e) {
      opened.forEach(one -> Closing.quietly(one, e));
      throw e;
    }
  }

  /** Opens a layer that is a log; the files are already open and locked. */
  static WritableLayer openLog(
      StoreFile data, LayerHeader dataHeader, StoreFile index, Optional<UnflushedRecords> unflushed)
      throws IOException {
    LayerHeader header = index.header();
    header.require(index.name(), 0, LayerHeader.HEADER, true, "a header");
    header.require(index.name(), 0, LayerHeader.DATA, false, "an index file");
    header.require(index.name(), 0, LayerHeader.SEALED, false, "a writable file");
    requireSize(index, header);
    if (header.indexOffset() != LayerHeader.BYTES) {
      throw new FormatException(
          index.name(),
          LayerHeader.Field.INDEX_OFFSET.at,
          LayerHeader.Field.INDEX_OFFSET.text,
          LayerHeader.BYTES,
          Long.toUnsignedString(header.indexOffset()));
    }
    if (!header.uuid().equals(dataHeader.uuid())) {
      throw new FormatException(
          index.name(),
          LayerHeader.Field.UUID.at,
          LayerHeader.Field.UUID.text,
          dataHeader.uuid() + " as in " + data.name(),
          header.uuid());
    }
    long dataSize = data.size();
    var map = new LiveMap();
    var replay = new JournalReplay(index, dataSize / SECTOR, map);
    long indexEnd = replay.run();
    SegmentIndex late = SegmentIndex.EMPTY;
    if (unflushed.isPresent()) {
      long count = (indexEnd - LayerHeader.BYTES) / Segment.BYTES;
      late = replay.addUnflushed(unflushed.get().after(index, count));
    }
    List<String> warnings = new ArrayList<>(replay.warnings());
    if (dataSize > replay.lastSector() * SECTOR) {
      warnings.add(
          data.name()
              + ": the last "
              + (dataSize - replay.lastSector() * SECTOR)
              + " bytes belong to writes that were never flushed");
    }
    if (dataHeader.virtualSize() != header.virtualSize()) {
      warnings.add(
          data.name()
              + ": virtual size "
              + Long.toUnsignedString(dataHeader.virtualSize())
              + " set to "
              + header.virtualSize()
              + " as in "
              + index.name());
      HeaderPatch.virtualSize(data, header.virtualSize());
      data.sync();
    }
    if (indexEnd < index.size()) {
      // Durable before anything is appended: a dropped record must not come to point at new data.
      index.truncate(indexEnd);
      index.sync();
    }
    long end = (dataSize + SECTOR - 1) / SECTOR * SECTOR;
    var store = new AppendStore(data, new Journal(index, indexEnd, unflushed, late), map, end);
    if (late.count() > UnflushedRecords.SLOTS / 2) { // they need room when they wait again
      store.flush();
    }
    return new WritableLayer(data, store, map, header, warnings);
  }

  private static WritableLayer openSparse(
      StoreFile data, LayerHeader header, HostFile host, StoreFile index) throws IOException {
    requireSize(data, header);
    List<String> warnings = new ArrayList<>();
    long size = data.size();
    long expected = LayerHeader.BYTES + header.virtualSize();
    if (size != expected) {
      warnings.add(data.name() + ": " + size + " bytes, expected " + expected);
    }
    if (size < expected || size % SECTOR != 0) {
      host.setSize(Math.max(expected, (size + SECTOR - 1) / SECTOR * SECTOR));
    }
    var map = new LiveMap();
    var store = new SparseStore(data, host, index, map);
    store.load();
    return new WritableLayer(data, store, map, header, warnings);
  }

  private static void requireSize(StoreFile file, LayerHeader header) throws FormatException {
    header.requireVirtualSize(file.name(), 0);
    if (header.virtualSize() % SECTOR != 0) {
      throw new FormatException(
          file.name(),
          LayerHeader.Field.VIRTUAL_SIZE.at,
          LayerHeader.Field.VIRTUAL_SIZE.text,
          "a multiple of 512",
          header.virtualSize());
    }
  }
}
