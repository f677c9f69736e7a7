package dev.obd.backstore.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.image.FileListTrace.Limits;
import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.format.files.Extent;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.FileType;
import dev.obd.format.files.Inode;
import dev.obd.format.files.TooManyExtentsException;
import dev.obd.io.BlockSources;
import dev.obd.io.Deadline;
import dev.obd.io.ReadContext;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Lists over a file system that has more than anybody wants. */
class FileListTraceTest {
  private static final int ENTRIES = 1000;
  private static final long DIRECTORIES = 1000; // numbers below are directories, all with the same

  private record Node(long number) implements Inode {
    @Override
    public long offset() {
      return 0;
    }

    @Override
    public FileType type() {
      return number < DIRECTORIES ? FileType.DIRECTORY : FileType.REGULAR;
    }

    @Override
    public long size() {
      return 1 << 20;
    }

    @Override
    public int permissions() {
      return 0;
    }

    @Override
    public long uid() {
      return 0;
    }

    @Override
    public long gid() {
      return 0;
    }

    @Override
    public long links() {
      return 1;
    }

    @Override
    public long modifiedSeconds() {
      return 0;
    }
  }

  /** Every directory has the same files, each of which has so many extents. */
  private static final class Evil extends FileSystemReader {
    private final int extents;
    private final List<Integer> asked = new ArrayList<>();
    private long visited;

    Evil(int extents) {
      super(BlockSources.ofBytes("evil", ByteBuffer.allocate(0)));
      this.extents = extents;
    }

    @Override
    public String type() {
      return "evil";
    }

    @Override
    public Inode root() {
      return new Node(1);
    }

    @Override
    public Inode inode(long number) {
      return new Node(number);
    }

    @Override
    public List<Extent> extents(Inode inode, int most) throws IOException {
      asked.add(most);
      if (extents > most) {
        throw new TooManyExtentsException("evil", 0, inode.toString(), most);
      }
      List<Extent> all = new ArrayList<>();
      for (int i = 0; i < extents; i++) {
        all.add(new Extent(i * 8192L, i * 8192L, 4096));
      }
      return all;
    }

    @Override
    protected void entries(Inode directory, EntryVisitor visitor) throws IOException {
      for (int i = 0; i < ENTRIES; i++) {
        visited++;
        byte[] name = ("f" + i).getBytes(StandardCharsets.UTF_8);
        if (!visitor.entry(0, ByteBuffer.wrap(name), DIRECTORIES + i)) {
          return;
        }
      }
    }
  }

  private static PrefetchHints directories(int count) {
    List<Long> numbers = new ArrayList<>();
    for (long i = 1; i <= count; i++) {
      numbers.add(i);
    }
    return new PrefetchHints(numbers);
  }

  @Test
  void allWalksOfAListTogetherVisitABoundedNumberOfNames() {
    var evil = new Evil(1);
    var trace = new FileListTrace(evil, new Limits(2500, 1 << 20, 1 << 20), () -> false);
    assertThat(trace.add(directories(100))).hasSize(ENTRIES);
    assertThat(evil.visited).isBetween(2500L, 2502L);
    assertThat(Limits.DEFAULT.visited()).isLessThanOrEqualTo(1 << 20);
  }

  @Test
  void rangesAreBoundedBeforeTheyAreMadeAndNoFurtherFileIsLookedAt() {
    var evil = new Evil(40);
    var trace = new FileListTrace(evil, new Limits(1 << 20, 1 << 20, 100), () -> false);
    assertThat(trace.add(directories(3))).hasSize(80);
    assertThat(evil.asked).containsExactly(100, 60, 20);
  }

  @Test
  void aWalkEndsWhenNobodyWantsItAnyMore() {
    var asks = new AtomicLong();
    var evil = new Evil(1);
    var trace = new FileListTrace(evil, Limits.DEFAULT, () -> asks.incrementAndGet() > 100);
    trace.add(directories(100));
    assertThat(evil.visited).isLessThan(102);
  }

  @Test
  void aWalkEndsWhenItsTimeIsOver() throws IOException {
    var now = new AtomicLong();
    Ticker ticker =
        new Ticker() {
          @Override
          public long nanos() {
            return now.get();
          }

          @Override
          public void sleep(long nanos) {
            now.addAndGet(nanos);
          }
        };
    var evil = new Evil(1);
    var trace = new FileListTrace(evil, Limits.DEFAULT, () -> now.addAndGet(1_000_000) < 0);
    var context =
        new ReadContext(ReadContext.Purpose.REPLAY, Deadline.after(ticker, Duration.ofMillis(100)));
    context.run(() -> trace.add(directories(100)));
    assertThat(evil.visited).isBetween(1L, 102L);
  }
}
