package dev.obd.backstore.device;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Lets a test step in before each call of a disk: to fail it, to hold it up, to count it. */
public class ScriptedDisk implements Disk {
  /** What happens before a call; throwing fails the call. */
  @FunctionalInterface
  public interface Script {
    void before(Op op, long offset, long length) throws IOException;
  }

  private final Disk next;
  private volatile Script script = (_, _, _) -> {};

  public ScriptedDisk(Disk next) {
    this.next = next;
  }

  /** From the next call on. */
  public void play(Script what) {
    script = what;
  }

  @Override
  public long size() {
    return next.size();
  }

  @Override
  public boolean writable() {
    return next.writable();
  }

  @Override
  public void read(long offset, ByteBuffer dst) throws IOException {
    script.before(Op.READ, offset, dst.remaining());
    next.read(offset, dst);
  }

  @Override
  public void write(long offset, ByteBuffer src) throws IOException {
    script.before(Op.WRITE, offset, src.remaining());
    next.write(offset, src);
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    script.before(Op.DISCARD, offset, length);
    next.discard(offset, length);
  }

  @Override
  public void flush() throws IOException {
    script.before(Op.FLUSH, 0, 0);
    next.flush();
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    script.before(Op.CACHE, offset, length);
    next.prefetch(offset, length);
  }

  @Override
  public void extents(long offset, long length, Visitor visitor) throws IOException {
    script.before(Op.EXTENTS, offset, length);
    next.extents(offset, length, visitor);
  }

  @Override
  public void close() throws IOException {
    next.close();
  }
}
