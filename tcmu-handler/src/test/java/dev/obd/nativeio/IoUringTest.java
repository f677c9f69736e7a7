package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rings, with descriptors that any kernel has; commands are tested with the driver's. */
@Timeout(60)
class IoUringTest {
  private static final int ENTRIES = 8;
  private static final int EOPNOTSUPP = -95;
  private static final int EBADF = -9;

  private IoUring ring;
  private EventFd bell;
  private final List<Long> tokens = new ArrayList<>();
  private final List<Integer> results = new ArrayList<>();

  @BeforeEach
  void open() throws IOException {
    try {
      ring = IoUring.create(ENTRIES);
    } catch (ErrnoException e) {
      boolean forbidden = e.is(Errno.ENOSYS) || e.is(Errno.EPERM);
      assumeTrue(!forbidden, () -> "this machine has no io_uring: " + e.getMessage());
      throw e;
    }
    bell = EventFd.create();
  }

  @AfterEach
  void close() throws IOException {
    if (bell != null) {
      ring.close();
      bell.close();
    }
  }

  private void reap() throws IOException {
    ring.reap((token, result) -> {
      tokens.add(token);
      results.add(result);
    });
  }

  @Test
  void aWaitThatNothingEndsIsOverWhenItsTimeIs() throws IOException {
    ring.poll(bell.fd(), 1);
    long began = System.nanoTime();
    assertThat(ring.await(Duration.ofMillis(200))).isFalse();
    assertThat(System.nanoTime() - began).isGreaterThan(150_000_000L);
    reap();
    assertThat(tokens).isEmpty();
  }

  @Test
  void whatCompletesIsToldOnceWithItsToken() throws IOException {
    bell.signal();
    ring.poll(bell.fd(), Long.MIN_VALUE + 7);
    ring.await();
    reap();
    reap();
    assertThat(tokens).containsExactly(Long.MIN_VALUE + 7);
    assertThat(results).containsExactly(1); // POLLIN
  }

  @Test
  void aCommandToWhatTakesNoneFails() throws IOException {
    assertThat(ring.command(bell.fd(), 1, 5).remaining()).isEqualTo(IoUring.COMMAND_BYTES);
    ring.await();
    reap();
    assertThat(tokens).containsExactly(5L);
    assertThat(results).containsExactly(EOPNOTSUPP);
  }

  @Test
  void whatIsQueuedBehindAFailureReachesTheKernelToo() throws IOException {
    bell.signal();
    for (int i = 0; i < ENTRIES; i++) {
      ring.command(bell.fd(), 1, i);
    }
    ring.submit();
    ring.poll(bell.fd(), ENTRIES);
    ring.submit();
    reap();
    assertThat(tokens).hasSize(ENTRIES + 1).doesNotHaveDuplicates();
  }

  @Test
  void noMoreIsQueuedThanThereIsRoomFor() throws IOException {
    for (int i = 0; i < ENTRIES; i++) {
      ring.poll(bell.fd(), i);
    }
    assertThatThrownBy(() -> ring.poll(bell.fd(), 99)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> IoUring.create(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> IoUring.create(1 << 20)).isInstanceOf(IllegalArgumentException.class);
  }

  /** Round and round the rings; every signal that was given before a wait ends that wait. */
  @Test
  void aThreadThatSleepsHearsEverySignal() throws Exception {
    int rounds = 20_000;
    var heard = new AtomicInteger();
    var given = new AtomicLong();
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              try {
                for (int i = 0; i < rounds; i++) {
                  given.incrementAndGet();
                  bell.signal();
                  while (heard.get() <= i) {
                    Thread.onSpinWait();
                  }
                }
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    for (int i = 0; i < rounds; i++) {
      ring.poll(bell.fd(), i);
      ring.await();
      reap();
      bell.clear();
      heard.set((int) given.get());
    }
    other.join();
    assertThat(heard).hasValue(rounds);
    assertThat(tokens).hasSize(rounds).doesNotHaveDuplicates();
    assertThat(results).doesNotContain(EBADF).containsOnly(1);
  }
}
