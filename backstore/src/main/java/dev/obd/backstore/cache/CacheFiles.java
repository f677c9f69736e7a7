package dev.obd.backstore.cache;

import java.io.IOException;
import java.nio.file.Path;

/** The file system as the cache uses it; tests watch, cut and break it here. */
interface CacheFiles {
  /** Opens {@code path} for reading and writing, making it if it is missing; or for reading. */
  CacheFile open(Path path) throws IOException;

  /** Bytes an ordinary user may still write where {@code directory} lies. */
  long usableBytes(Path directory) throws IOException;

  /** The machine's. */
  CacheFiles DISK =
      new CacheFiles() {
        @Override
        public CacheFile open(Path path) throws IOException {
          return ChannelFile.open(path);
        }

        @Override
        public long usableBytes(Path directory) {
          // Not Files.getFileStore: that reads the table of all mounts, for each unit stored.
          return directory.toFile().getUsableSpace();
        }
      };
}
