package dev.obd.format.lsmt;

import static dev.obd.format.lsmt.Segment.SECTOR;

import dev.obd.io.ExtentMap.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Blocks in place, in a file that is the disk behind a header; what is written is told from what is
 * not by the file's holes. The file system knows holes by blocks of 4 KiB, so this store maps whole
 * blocks: the rest of a block that is written in part is filled with what the disk shows there. A
 * discard over data of a lower layer writes zeros, because a hole would show that data again once
 * the layer is opened anew.
 */
final class SparseStore implements LayerStore {
  private static final int BLOCK = 4096;

  private final StoreFile data;
  private final HostFile host;
  private final @Nullable StoreFile index;
  private final LiveMap map;
  private final ReentrantLock writing = new ReentrantLock();
  private volatile @Nullable LayerStack lower;
  private volatile @Nullable IOException broken;

  /**
   * @param index never used, but kept open as long as the layer is
   */
  SparseStore(StoreFile data, HostFile host, @Nullable StoreFile index, LiveMap map) {
    this.data = data;
    this.host = host;
    this.index = index;
    this.map = map;
  }

  /** Maps what the file holds. */
  void load() throws IOException {
    long size = data.size();
    long at = host.nextData(LayerHeader.BYTES);
    while (at >= 0 && at < size) {
      long hole = host.nextHole(at);
      long end = hole < 0 ? size : hole;
      long first = at / SECTOR;
      long sectors = (end + SECTOR - 1) / SECTOR - first;
      map.putAll(first - SegmentBounds.FIRST, sectors, first, false);
      at = host.nextData(end);
    }
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    writing.lock();
    try {
      failIfBroken();
      long at = offset;
      while (src.hasRemaining()) {
        int inBlock = (int) (at % BLOCK);
        int n = inBlock > 0 ? Math.min(BLOCK - inBlock, src.remaining()) : src.remaining();
        if (inBlock == 0 && n >= BLOCK) {
          n -= n % BLOCK;
          put(at, src.slice(src.position(), n));
        } else {
          patchBlock(at - inBlock, inBlock, src.slice(src.position(), n));
        }
        src.position(src.position() + n);
        at += n;
      }
    } finally {
      writing.unlock();
    }
  }

  /** Writes part of a block, and the rest of it as it is now. */
  private void patchBlock(long block, int inBlock, ByteBuffer part) throws IOException {
    long fileEnd = data.size() - LayerHeader.BYTES;
    ByteBuffer whole = ByteBuffer.allocate((int) Math.min(BLOCK, Math.max(0, fileEnd - block)));
    view(block, whole);
    whole.clear().put(inBlock, part, part.position(), part.remaining());
    put(block, whole);
  }

  private void view(long offset, ByteBuffer dst) throws IOException {
    var extent = new Extent();
    long at = offset;
    while (dst.hasRemaining()) {
      map.find(at / SECTOR, extent);
      int n = (int) Math.min(dst.remaining(), extent.sectors() * SECTOR);
      ByteBuffer part = dst.slice(dst.position(), n);
      LayerStack below = lower;
      if (extent.kind() == Kind.DATA) {
        data.read(extent.dataSector() * SECTOR, part);
      } else if (extent.kind() == Kind.HOLE && below != null) {
        below.fill(at, part);
      } else {
        Zeros.put(part, n);
      }
      dst.position(dst.position() + n);
      at += n;
    }
  }

  /** Writes whole blocks (or the file's short last one), then maps them. */
  private void put(long offset, ByteBuffer src) throws IOException {
    long sectors = src.remaining() / SECTOR;
    data.write(LayerHeader.BYTES + offset, src);
    long first = offset / SECTOR;
    map.putAll(first, sectors, first + SegmentBounds.FIRST, false);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    writing.lock();
    try {
      failIfBroken();
      long end = offset + length;
      long firstBlock = Math.min(end, (offset + BLOCK - 1) / BLOCK * BLOCK);
      long lastBlock = end >= diskEnd() ? end : Math.max(firstBlock, end / BLOCK * BLOCK);
      zeroPart(offset, firstBlock);
      zeroBlocks(firstBlock, lastBlock);
      zeroPart(lastBlock, end);
    } finally {
      writing.unlock();
    }
  }

  private long diskEnd() throws IOException {
    return data.size() - LayerHeader.BYTES;
  }

  /** Zeros within one block. */
  private void zeroPart(long from, long to) throws IOException {
    if (from < to) {
      int inBlock = (int) (from % BLOCK);
      patchBlock(from - inBlock, inBlock, Zeros.buffer((int) (to - from)));
    }
  }

  /**
   * Zeros over lower data, holes elsewhere. Nothing is punched that lower data would show through,
   * not even for a moment: a crash may come at any.
   */
  private void zeroBlocks(long from, long to) throws IOException {
    LayerStack below = lower;
    long[] done = {from};
    if (below != null && from < to) {
      var joined =
          new ExtentJoiner((at, n, kind) -> {
            if (kind == Kind.DATA) {
              long first = Math.max(done[0], at / BLOCK * BLOCK);
              long last = Math.min(to, (at + n + BLOCK - 1) / BLOCK * BLOCK);
              punch(done[0], first);
              zeroData(first, last);
              done[0] = Math.max(first, last);
            }
            return true;
          });
      below.visit(from, to - from, joined);
      joined.finish();
    }
    punch(done[0], to);
  }

  private void zeroData(long from, long to) throws IOException {
    for (long at = from; at < to; ) {
      int n = (int) Math.min(64 << 10, to - at);
      put(at, Zeros.buffer(n));
      at += n;
    }
  }

  private void punch(long from, long to) throws IOException {
    if (from == to) {
      return;
    }
    if (host.punchHole(LayerHeader.BYTES + from, to - from)) {
      map.putAll(from / SECTOR, (to - from) / SECTOR, SegmentBounds.FIRST + from / SECTOR, true);
    } else {
      zeroData(from, to);
    }
  }

  @Override
  public void flush() throws IOException {
    failIfBroken();
    try {
      data.sync();
    } catch (IOException e) {
      broken = e;
      throw e;
    }
  }

  private void failIfBroken() throws IOException {
    IOException cause = broken;
    if (cause != null) {
      throw new IOException(
          data.name() + ": an earlier flush failed, what is on disk is unknown", cause);
    }
  }

  @Override
  public void stackOn(LayerStack below) {
    lower = below;
  }

  @Override
  public void resize(long virtualSize) throws IOException {
    writing.lock();
    try {
      if (LayerHeader.BYTES + virtualSize < data.size()) {
        throw new IOException(data.name() + ": a sparse layer cannot shrink");
      }
      host.setSize(LayerHeader.BYTES + virtualSize);
      HeaderPatch.virtualSize(data, virtualSize);
      flush();
    } finally {
      writing.unlock();
    }
  }

  @Override
  public long dataEnd() throws IOException {
    return (data.size() + SECTOR - 1) / SECTOR * SECTOR;
  }

  @Override
  public void close() throws IOException {
    Closing.all(index == null ? List.of(data, host) : List.of(data, host, index));
  }
}
