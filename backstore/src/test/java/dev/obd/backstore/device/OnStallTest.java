package dev.obd.backstore.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a device does with reads whose origin is away. */
@Timeout(60)
class OnStallTest {
  private static final int SIZE = 64 << 10;

  /** A disk whose origin can be away. */
  private static final class RemoteDisk extends ScriptedDisk {
    private final CountDownLatch thirdTime = new CountDownLatch(3);
    private volatile boolean away;
    private volatile boolean down;

    RemoteDisk() throws IOException {
      super(MemoryDisk.readOnly(content()));
    }

    @Override
    public void read(long offset, ByteBuffer dst) throws IOException {
      if (away) {
        dst.put((byte) 0x55); // a read that fails may have begun
        thirdTime.countDown();
        throw new IOException("away");
      }
      super.read(offset, dst);
    }

    @Override
    public Optional<StallReport> stall() {
      return away
          ? Optional.of(new StallReport("reg", "no route", Duration.ofSeconds(3), 99))
          : Optional.empty();
    }

    @Override
    public boolean isDown() {
      return down;
    }

    @Override
    public boolean mayPass(Throwable failure) {
      return failure.getMessage().equals("away");
    }
  }

  private static byte[] content() {
    byte[] bytes = new byte[SIZE];
    Arrays.fill(bytes, (byte) 7);
    return bytes;
  }

  private final RemoteDisk disk;

  OnStallTest() throws IOException {
    disk = new RemoteDisk();
  }

  private static Request.Read read(ByteBuffer into) {
    return new Request.Read(512, into);
  }

  private BlockDevice device(OnStall policy, Duration patience) {
    return new BlockDevice(
        "d",
        disk,
        DeviceOptions.DEFAULTS
            .withOnStall(policy)
            .withReadPatience(patience)
            .withHangGrace(Duration.ofMillis(200)));
  }

  private CompletableFuture<Status> submit(BlockDevice device, Request request) {
    var answer = new CompletableFuture<Status>();
    device.submit(
        request,
        new Completion() {
          @Override
          public void done(Status status) {
            answer.complete(status);
          }

          @Override
          public void overdue() {
            answer.complete(Status.TIMED_OUT);
          }
        });
    return answer;
  }

  private static void await(CountDownLatch latch) throws InterruptedException {
    assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aReadWaitsUntilTheOriginIsBackHoweverLongThatTakes() throws Exception {
    disk.away = true;
    try (BlockDevice device = device(OnStall.WAIT, Duration.ofMillis(100))) {
      ByteBuffer into = ByteBuffer.allocate(1024);
      CompletableFuture<Status> answer = submit(device, read(into));
      await(disk.thirdTime);
      assertThat(answer).isNotDone();
      assertThat(device.stall().orElseThrow().reason()).isEqualTo("no route");
      assertThat(device.stall().orElseThrow().waiting()).isEqualTo(1);
      assertThat(device.stats().lastFailure().reason()).isEqualTo("away");
      disk.away = false;
      assertThat(answer.get(30, TimeUnit.SECONDS)).isEqualTo(Status.OK);
      assertThat(into.array()).containsOnly(7);
      assertThat(device.stall()).isEmpty();
    }
  }

  @Test
  void aReadThatRanOutOfTimeIsMadeAgainToo() throws Exception {
    var attempts = new AtomicInteger();
    disk.play((_, _, _) -> {
      if (attempts.incrementAndGet() < 3) {
        throw new InterruptedIOException("the time ran out");
      }
    });
    try (BlockDevice device = device(OnStall.WAIT, Duration.ofMillis(50))) {
      assertThat(device.serve(read(ByteBuffer.allocate(512)))).isEqualTo(Status.OK);
    }
  }

  @Test
  void whatWillNotPassFailsAtOnceAllTheSame() throws Exception {
    var attempts = new AtomicInteger();
    disk.play((_, _, _) -> {
      attempts.incrementAndGet();
      throw new IOException("401");
    });
    for (OnStall policy : OnStall.values()) {
      BlockDevice device = device(policy, Duration.ofSeconds(30));
      assertThat(device.serve(read(ByteBuffer.allocate(512)))).isEqualTo(Status.IO_ERROR);
    }
    assertThat(attempts).hasValue(OnStall.values().length);
  }

  @Test
  void drainingEndsTheWait() throws Exception {
    disk.play((_, _, _) -> {
      throw new IOException("away");
    });
    BlockDevice device = device(OnStall.WAIT, Duration.ofMillis(50));
    CompletableFuture<Status> answer = submit(device, read(ByteBuffer.allocate(512)));
    assertThat(device.drain(Duration.ofSeconds(30))).isEqualTo(new DeviceState.Closed());
    assertThat(answer.get(1, TimeUnit.SECONDS)).isIn(Status.IO_ERROR, Status.TIMED_OUT);
  }

  @Test
  void drainingEndsTheWaitOfAReadThatHangsInTheDisk() throws Exception {
    var inside = new CountDownLatch(1);
    var end = new CountDownLatch(1);
    disk.play((_, _, _) -> {
      inside.countDown();
      try {
        end.await();
      } catch (InterruptedException e) {
        throw new InterruptedIOException();
      }
    });
    BlockDevice device = device(OnStall.WAIT, Duration.ofMillis(50));
    CompletableFuture<Status> answer = submit(device, read(ByteBuffer.allocate(512)));
    await(inside);
    Ticker.SYSTEM.sleep(Duration.ofMillis(600).toNanos()); // past patience and grace
    assertThat(answer).isNotDone();
    DeviceState state = device.drain(Duration.ofSeconds(2));
    assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo(Status.TIMED_OUT);
    assertThat(state).isEqualTo(new DeviceState.Closed());
    end.countDown();
  }

  @Test
  void aReadThatWaitsForAnOriginThatIsDownIsGivenUpIfOnlyTheCacheIsServed() throws Exception {
    var end = new CountDownLatch(1);
    disk.play((_, _, _) -> {
      try {
        end.await();
      } catch (InterruptedException e) {
        throw new InterruptedIOException();
      }
    });
    try (BlockDevice device = device(OnStall.READONLY_CACHE, Duration.ofHours(1))) {
      CompletableFuture<Status> answer = submit(device, read(ByteBuffer.allocate(512)));
      disk.down = true;
      assertThat(answer.get(30, TimeUnit.SECONDS)).isEqualTo(Status.TIMED_OUT);
      disk.down = false;
      end.countDown();
      assertThat(device.serve(read(ByteBuffer.allocate(512)))).isEqualTo(Status.OK);
    }
  }

  @Test
  void thePolicyIsKnownToWhatReadsBelow() throws Exception {
    for (OnStall policy : OnStall.values()) {
      var seen = new CompletableFuture<OnStall>();
      disk.play((_, _, _) -> seen.complete(OnStall.current()));
      assertThat(device(policy, Duration.ofSeconds(9)).serve(read(ByteBuffer.allocate(512))))
          .isEqualTo(Status.OK);
      assertThat(seen.get()).isEqualTo(policy);
      assertThat(OnStall.parse(policy.toString())).isEqualTo(policy);
    }
    assertThat(OnStall.current()).isEqualTo(OnStall.EIO);
    assertThat(OnStall.READONLY_CACHE).hasToString("readonly-cache");
    assertThatThrownBy(() -> OnStall.parse("EIO")).isInstanceOf(IllegalArgumentException.class);
  }
}
