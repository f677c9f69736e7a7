package dev.obd.format.qcow2;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Compressed clusters, unpacked; the last few are kept, at most 4 MiB of them, because a cluster is
 * often read in several pieces. Thread-safe.
 */
final class Inflation {
  private static final int MAX_CACHED = 4 << 20;

  private final BlockSource image;
  private final int clusterSize;
  private final boolean zstd;
  private final Map<Long, byte[]> recent =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, byte[]> eldest) {
          return (long) size() * clusterSize > MAX_CACHED;
        }
      };

  Inflation(BlockSource image, Qcow2Header header) {
    this.image = image;
    this.clusterSize = header.clusterSize();
    this.zstd = header.zstd();
  }

  /** The bytes of the cluster; the caller does not change them. */
  byte[] cluster(Cluster.Compressed packed) throws IOException {
    byte[] cluster;
    synchronized (recent) {
      cluster = recent.get(packed.offset());
    }
    if (cluster == null) {
      byte[] bytes = BlockSources.readFully(image, packed.offset(), packed.length()).array();
      cluster = zstd ? unzstd(packed, bytes) : inflate(packed, bytes);
      synchronized (recent) {
        recent.put(packed.offset(), cluster);
      }
    }
    return cluster;
  }

  private byte[] inflate(Cluster.Compressed packed, byte[] bytes) throws FormatException {
    var cluster = new byte[clusterSize];
    try (var inflater = new Inflater(true)) {
      inflater.setInput(bytes);
      int filled = 0;
      while (filled < clusterSize) {
        int n = inflater.inflate(cluster, filled, clusterSize - filled);
        if (n == 0) {
          throw bad(packed, "stream ends after " + filled + " bytes");
        }
        filled += n;
      }
      return cluster;
    } catch (DataFormatException e) {
      throw bad(packed, String.valueOf(e.getMessage()));
    }
  }

  private byte[] unzstd(Cluster.Compressed packed, byte[] bytes) throws FormatException {
    // In one go and not as a stream: a stream's window is as big as its header demands.
    var cluster = new byte[clusterSize];
    try (var context = new ZstdDecompressCtx()) {
      int frame = Math.toIntExact(Zstd.findFrameCompressedSize(bytes)); // zeros follow it
      int n = context.decompressByteArray(cluster, 0, clusterSize, bytes, 0, frame);
      if (n != clusterSize) {
        throw bad(packed, "frame holds " + n + " bytes");
      }
      return cluster;
    } catch (ZstdException e) {
      throw bad(packed, String.valueOf(e.getMessage()));
    }
  }

  private FormatException bad(Cluster.Compressed packed, String problem) {
    return new FormatException(
        image.name(),
        packed.offset(),
        "compressed cluster",
        clusterSize + " bytes of " + (zstd ? "zstd" : "deflate"),
        problem);
  }
}
