package dev.obd.tcmu.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.tcmu.scsi.CommandDone;
import dev.obd.tcmu.scsi.ScsiResult;
import dev.obd.tcmu.scsi.Sense;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(120)
class CommandRingTest {
  private static final int ALL_FLAGS = 0xf;
  private static final int[] OPCODES = {0x12, 0x28, 0x2a, 0x88, 0xa8, 0x7f, 0xc0, 0x60};

  static long[] seeds() {
    return new long[] {1, 2, 3, System.nanoTime()};
  }

  private static ByteBuffer area(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static byte[] cdb(SplittableRandom random) {
    byte[] cdb = new byte[32];
    random.nextBytes(cdb);
    cdb[0] = (byte) OPCODES[random.nextInt(OPCODES.length)];
    cdb[7] = (byte) random.nextInt(24); // of a command of variable length
    return Arrays.copyOf(cdb, Entry.blockBytes(cdb[0], cdb[7]));
  }

  private static ScsiResult checkCondition(int key) {
    return new ScsiResult(ScsiResult.CHECK_CONDITION, new Sense(key, 1, 2, false, 0), 0);
  }

  /** What a command is answered with, told by its number. */
  private static ScsiResult answerTo(int number, long dataBytes) {
    return switch (number % 4) {
      case 0 -> checkCondition(number % 16);
      case 1 -> new ScsiResult(ScsiResult.BUSY, null, 0);
      case 2 -> new ScsiResult(ScsiResult.GOOD, null, dataBytes / 2);
      default -> new ScsiResult(ScsiResult.GOOD, null, dataBytes);
    };
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everyCommandIsAnsweredOnceWithWhatIsItsOwn(long seed) throws Exception {
    for (int flags : new int[] {ALL_FLAGS, 0, 1}) {
      answersAll(seed, flags);
    }
  }

  private static void answersAll(long seed, int flags) throws Exception {
    var random = new SplittableRandom(seed);
    int ringBytes = 1024 * (1 + random.nextInt(16));
    var kernel =
        new KernelSide(
            area(KernelSide.RING_AT + ringBytes + 40 * KernelSide.PAGE), ringBytes, flags, random);
    Map<Integer, byte[]> sent = new HashMap<>();
    var wrong = new AtomicReference<Throwable>();
    int total = 3000;
    int answered = 0;
    boolean keeps = (flags & Mailbox.KEEP_BUFFERS) != 0;
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      CommandTarget target =
          (cdb, data, done) ->
              pool.execute(() -> {
                try {
                  carryOut(sent, cdb, data, done);
                } catch (Throwable e) {
                  wrong.compareAndSet(null, e);
                  done.done(checkCondition(1));
                }
              });
      var woken = new AtomicInteger();
      var ring =
          new CommandRing(
              "test", kernel.area, kernel, target, 1 + random.nextInt(30), woken::incrementAndGet);
      int submitted = 0;
      while (answered < total) {
        for (int burst = random.nextInt(6); burst > 0 && submitted < total; burst--) {
          int choice = random.nextInt(20);
          if (choice < 3) {
            kernel.submitOther(choice == 2 ? 5 : choice * 2, 32 + 8 * random.nextInt(4));
            continue;
          }
          byte[] cdb = cdb(random);
          synchronized (sent) {
            int number = kernel.submit(cdb, random.nextInt(5));
            if (number >= 0) {
              sent.put(number, cdb);
              submitted++;
            }
          }
        }
        ring.take();
        for (KernelSide.Answer answer : kernel.takeAnswers()) {
          answered++;
          checkAnswer(answer, flags);
          if (!keeps) {
            synchronized (sent) {
              sent.remove(answer.number());
            }
          }
        }
        assertThat(wrong.get()).isNull();
        Thread.onSpinWait();
      }
      assertThat(ring.awaitDone(Duration.ofSeconds(60))).isTrue();
      assertThat(ring.inFlight()).isZero();
      assertThat(ring.commands()).isEqualTo(total);
      ring.take();
      assertThat(ring.isEmpty()).isTrue();
      assertThat(kernel.outstanding()).isZero();
      assertThat(kernel.isEmpty()).isTrue();
    }
  }

  private static void carryOut(
      Map<Integer, byte[]> sent, byte[] cdb, List<ByteBuffer> data, CommandDone done) {
    int number = -1;
    long bytes = 0;
    for (ByteBuffer buffer : data) {
      assertThat(buffer.isDirect()).isTrue();
      bytes += buffer.remaining();
      for (int i = 0; i < buffer.limit(); i += 2) {
        int owner =
            Short.toUnsignedInt(buffer.duplicate().order(ByteOrder.nativeOrder()).getShort(i));
        assertThat(number == -1 || owner == number).isTrue();
        number = owner;
      }
    }
    if (number == -1) { // without data nothing tells which one it is
      done.done(new ScsiResult(ScsiResult.GOOD, null, 0));
      return;
    }
    synchronized (sent) {
      assertThat(cdb).isEqualTo(sent.get(number));
    }
    ScsiResult answer = answerTo(number, bytes);
    if (number % 5 == 0) {
      done.overdue(answer);
    }
    done.done(answer);
  }

  private static void checkAnswer(KernelSide.Answer answer, int flags) {
    if (answer.status() == ScsiResult.GOOD) {
      boolean isShort = (answer.flags() & 2) != 0;
      if ((flags & Mailbox.READ_LENGTH) == 0) {
        assertThat(isShort).isFalse();
      }
      assertThat(answer.lengthRead() > 0).isEqualTo(isShort);
      return;
    }
    int number = answer.number();
    assertThat(answer.status()).isEqualTo(answerTo(number, 0).status());
    if (answer.status() == ScsiResult.CHECK_CONDITION) {
      assertThat(answer.sense()[0]).isEqualTo((byte) 0x70);
      assertThat(answer.sense()[2]).isEqualTo((byte) (number % 16));
      assertThat(answer.sense()[12]).isEqualTo((byte) 1);
      assertThat(answer.sense()[50]).isZero();
    }
  }

  /** A ring whose commands wait in a list. */
  private record Bench(KernelSide kernel, CommandRing ring, List<CommandDone> waiting) {
    static Bench of(int flags, int limit, Runnable wake) throws CorruptRingException {
      var kernel =
          new KernelSide(
              area(KernelSide.RING_AT + 8192 + 8 * KernelSide.PAGE),
              8192,
              flags,
              new SplittableRandom(5));
      var waiting = new ArrayList<CommandDone>();
      var ring =
          new CommandRing(
              "test", kernel.area, kernel, (_, _, done) -> waiting.add(done), limit, wake);
      return new Bench(kernel, ring, waiting);
    }

    int submit(int pages) {
      return kernel.submit(new byte[] {0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0}, pages);
    }
  }

  private static final ScsiResult GOOD = new ScsiResult(ScsiResult.GOOD, null, 0);

  @Test
  void noMoreThanTheLimitIsTakenAndTheTakerIsWokenWhenThereIsRoom() throws Exception {
    var woken = new AtomicInteger();
    Bench bench = Bench.of(ALL_FLAGS, 2, woken::incrementAndGet);
    for (int i = 0; i < 3; i++) {
      bench.submit(0);
    }
    bench.ring.take();
    assertThat(bench.waiting).hasSize(2);
    assertThat(woken).hasValue(0);
    bench.waiting.get(1).done(GOOD);
    assertThat(woken).hasValue(1);
    bench.ring.take();
    assertThat(bench.waiting).hasSize(3);
    assertThat(bench.ring.inFlight()).isEqualTo(2);
  }

  @Test
  void answersComeInAnyOrderIfTheKernelAllowsItAndInOrderOtherwise() throws Exception {
    for (int flags : new int[] {ALL_FLAGS, 0}) {
      Bench bench = Bench.of(flags, 10, () -> {});
      int first = bench.submit(1);
      int second = bench.submit(1);
      bench.ring.take();
      bench.waiting.get(1).done(GOOD);
      List<Integer> early =
          bench.kernel.takeAnswers().stream().map(KernelSide.Answer::number).toList();
      bench.waiting.get(0).done(GOOD);
      List<Integer> late =
          bench.kernel.takeAnswers().stream().map(KernelSide.Answer::number).toList();
      if (flags == 0) {
        assertThat(early).isEmpty();
        assertThat(late).containsExactly(first, second);
      } else {
        assertThat(early).containsExactly(second);
        assertThat(late).containsExactly(first);
      }
    }
  }

  @Test
  void anOverdueCommandIsAnsweredWhileItsBuffersStayItsOwn() throws Exception {
    Bench bench = Bench.of(ALL_FLAGS, 10, () -> {});
    int number = bench.submit(2);
    bench.ring.take();
    bench.waiting.get(0).overdue(checkCondition(3));
    assertThat(bench.kernel.takeAnswers())
        .singleElement()
        .satisfies(a -> {
          assertThat(a.number()).isEqualTo(number);
          assertThat(a.flags() & 4).isEqualTo(4);
          assertThat(a.status()).isEqualTo(ScsiResult.CHECK_CONDITION);
        });
    assertThat(bench.ring.inFlight()).isZero();
    assertThat(bench.ring.undone()).isEqualTo(1);
    assertThat(bench.ring.awaitDone(Duration.ofMillis(1))).isFalse();
    assertThat(bench.kernel.outstanding()).isEqualTo(1);
    bench.waiting.get(0).done(GOOD);
    assertThat(bench.kernel.outstanding()).isZero();
    assertThat(bench.ring.awaitDone(Duration.ZERO)).isTrue();
    assertThat(bench.kernel.takeAnswers()).isEmpty();
  }

  @Test
  void whereBuffersCannotBeKeptAnOverdueCommandWaitsForItsEnd() throws Exception {
    Bench bench = Bench.of(1, 10, () -> {});
    bench.submit(1);
    bench.ring.take();
    bench.waiting.get(0).overdue(checkCondition(3));
    assertThat(bench.kernel.takeAnswers()).isEmpty();
    bench.waiting.get(0).done(GOOD);
    assertThat(bench.kernel.takeAnswers())
        .singleElement()
        .satisfies(a -> assertThat(a.status()).isEqualTo(ScsiResult.GOOD));
  }

  @Test
  void whenHungCommandsHoldHalfTheDataAreaTheNextAreTurnedAway() throws Exception {
    Bench bench = Bench.of(ALL_FLAGS, 10, () -> {});
    for (int i = 0; i < 4; i++) {
      bench.submit(1);
    }
    bench.ring.take();
    // The last page of each is used in part, so it takes four of them.
    bench.waiting.forEach(done -> done.overdue(checkCondition(3)));
    int kept = bench.kernel.takeAnswers().size();
    int before = bench.waiting.size();
    bench.submit(3);
    bench.ring.take();
    if (bench.waiting.size() == before) {
      assertThat(bench.kernel.takeAnswers())
          .singleElement()
          .satisfies(a -> assertThat(a.status()).isEqualTo(ScsiResult.TASK_SET_FULL));
    }
    bench.waiting.forEach(done -> done.done(GOOD));
    assertThat(kept).isPositive();
    assertThat(bench.kernel.outstanding()).isZero();
  }

  @Test
  void aTargetThatThrowsCostsOneCommandNotTheRing() throws Exception {
    var kernel =
        new KernelSide(
            area(KernelSide.RING_AT + 4096 + KernelSide.PAGE), 4096, 1, new SplittableRandom(1));
    var failures =
        new ArrayList<>(
            List.of(
                new IllegalStateException("bug"),
                new RejectedExecutionException("full"),
                new OutOfMemoryError("no thread")));
    CommandTarget target =
        (_, _, done) -> {
          if (failures.isEmpty()) {
            done.done(GOOD);
          } else if (failures.removeFirst() instanceof Throwable t) {
            CommandRingTest.<RuntimeException>raise(t);
          }
        };
    var ring = new CommandRing("test", kernel.area, kernel, target, 8, () -> {});
    for (int i = 0; i < 4; i++) {
      kernel.submit(new byte[6], 0);
    }
    ring.take();
    assertThat(kernel.takeAnswers().stream().map(KernelSide.Answer::status))
        .containsExactly(
            ScsiResult.CHECK_CONDITION,
            ScsiResult.TASK_SET_FULL,
            ScsiResult.TASK_SET_FULL,
            ScsiResult.GOOD);
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <T extends Throwable> void raise(Throwable t) throws T {
    throw (T) t;
  }

  @Test
  void whoTakesHearsThatAnswersCannotBeWrittenAnyMore() throws Exception {
    Bench bench = Bench.of(ALL_FLAGS, 10, () -> {});
    var woken = new AtomicInteger();
    var waiting = new ArrayList<CommandDone>();
    RingKernel gone =
        new RingKernel() {
          @Override
          public void ringDoorbell() {
            throw new InternalError("a fault occurred in an unsafe memory access operation");
          }

          @Override
          public boolean isBacked(long offset, long length) {
            return true;
          }

          @Override
          public void freeKeptBuffers(int command) {}
        };
    var ring =
        new CommandRing(
            "test",
            bench.kernel.area,
            gone,
            (cdb, data, done) -> waiting.add(done),
            10,
            woken::incrementAndGet);
    bench.submit(1);
    ring.take();
    waiting.get(0).done(GOOD);
    assertThat(woken).hasValue(1);
    assertThatThrownBy(ring::take)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("a fault occurred");
    assertThat(ring.awaitDone(Duration.ZERO)).isTrue();
  }

  @Test
  void aTailThatSomebodyElseMovedEndsTheRing() throws Exception {
    var woken = new AtomicInteger();
    Bench bench = Bench.of(ALL_FLAGS, 8, woken::incrementAndGet);
    bench.submit(1);
    bench.submit(1);
    bench.ring.take();
    bench.waiting.getFirst().done(GOOD);
    bench.ring.take();
    assertThat(bench.kernel.takeAnswers()).hasSize(1);
    int tail = bench.kernel.area.getInt(64);
    bench.kernel.area.putInt(64, (tail + 8) % bench.kernel.ringBytes);
    bench.waiting.getLast().done(GOOD);
    assertThat(woken).hasValue(1);
    assertThatThrownBy(bench.ring::take)
        .isInstanceOf(CorruptRingException.class)
        .hasMessageContaining("@64: tail: expected " + tail);
    assertThat(bench.kernel.area.getInt(64)).as("the kernel would follow it").isEqualTo(tail);
    assertThat(bench.ring.awaitDone(Duration.ofSeconds(1))).isTrue();
  }

  @Test
  void anAbandonedRingIsNotWrittenToAnyMore() throws Exception {
    Bench bench = Bench.of(ALL_FLAGS, 10, () -> {});
    bench.submit(1);
    bench.ring.take();
    byte[] before = new byte[bench.kernel.area.capacity()];
    bench.kernel.area.get(0, before);
    bench.ring.abandon();
    bench.submit(1);
    bench.ring.take();
    bench.waiting.get(0).done(GOOD);
    assertThat(bench.waiting).hasSize(1);
    assertThat(bench.kernel.takeAnswers()).isEmpty();
    assertThat(bench.ring.awaitDone(Duration.ZERO)).isTrue();
    assertThat(bench.kernel.bells()).isZero();
  }

  @Test
  void aMailboxThatIsNoneIsNamed() {
    ByteBuffer area = area(8192);
    assertThatThrownBy(() -> ring(area))
        .isInstanceOf(CorruptRingException.class)
        .hasMessage("test @0: version: expected 2, got 0");
    area.putShort(0, (short) 2).putInt(4, 128).putInt(8, 9000);
    assertThatThrownBy(() -> ring(area)).hasMessageContaining("size of the ring");
    area.putInt(8, 4096).putInt(64, 4096);
    assertThatThrownBy(() -> ring(area)).hasMessageContaining("@64: tail");
    area.putInt(64, 0).putInt(12, -8);
    assertThatThrownBy(() -> ring(area).take())
        .hasMessage("test @12: head: expected a multiple of 8 below 4096, got 4294967288");
    assertThatThrownBy(() -> ring(area(64))).hasMessageContaining("memory");
  }

  private static CommandRing ring(ByteBuffer area) throws CorruptRingException {
    return new CommandRing(
        "test",
        area,
        new KernelSide(area(8192), 64, 1, new SplittableRandom(1)),
        (_, _, done) -> done.done(GOOD),
        8,
        () -> {});
  }

  /** Words that mean something, wrong ones among them. */
  private static long hostileWord(SplittableRandom random, ByteBuffer area) {
    return switch (random.nextInt(6)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextInt(area.capacity() + 16);
      case 2 -> area.capacity() - random.nextInt(32);
      case 3 -> -random.nextInt(64);
      case 4 -> 1L << random.nextInt(64);
      default -> random.nextInt(40);
    };
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whateverIsInTheMemoryTheRingWorksOrEndsWithAReason(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    int ended = 0;
    for (int i = 0; i < 25_000; i++) {
      if (survives(random)) {
        ended++;
      }
    }
    assertThat(ended).isBetween(1_000, 24_999); // both happen
  }

  /** True if the ring proved corrupt. */
  private static boolean survives(SplittableRandom random) {
    int guard = 64;
    int ringBytes = 1024;
    int bytes = KernelSide.RING_AT + ringBytes + 8 * KernelSide.PAGE;
    ByteBuffer whole = area(bytes + 2 * guard);
    for (int i = 0; i < guard; i++) {
      whole.put(i, (byte) 0x5a).put(guard + bytes + i, (byte) 0x5a);
    }
    ByteBuffer area = whole.slice(guard, bytes).order(ByteOrder.nativeOrder());
    var layout = new KernelSide(area, ringBytes, random.nextInt(16), random);
    for (int i = 0; i < 4; i++) {
      layout.submit(cdb(random), random.nextInt(3));
    }
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(4) == 0 ? random.nextInt(17) * 4 : 128 + random.nextInt(200) * 4;
      if (random.nextBoolean()) {
        area.putInt(at, (int) hostileWord(random, area));
      } else {
        area.putLong(at, hostileWord(random, area));
      }
    }
    var open = new ArrayList<CommandDone>();
    CommandTarget target =
        (cdb, data, done) -> {
          assertThat(cdb.length).isBetween(6, 263);
          for (ByteBuffer buffer : data) {
            for (int i = 0; i < buffer.limit(); i += 512) {
              buffer.put(i, (byte) 1);
            }
          }
          open.add(done);
        };
    RingKernel nothing =
        new RingKernel() {
          @Override
          public void ringDoorbell() {}

          @Override
          public boolean isBacked(long offset, long length) {
            return offset >= 0 && length >= 0 && offset + length <= bytes;
          }

          @Override
          public void freeKeptBuffers(int command) {}
        };
    boolean corrupt = false;
    CommandRing ring = null;
    try {
      ring = new CommandRing("test", area, nothing, target, 3, () -> {});
      for (int i = 0; i < 4; i++) {
        ring.take();
        if (random.nextBoolean() && !open.isEmpty()) {
          open.removeLast().done(random.nextBoolean() ? GOOD : checkCondition(5));
        }
        area.putInt(128 + random.nextInt(200) * 4, random.nextInt()); // while it is served, too
      }
    } catch (CorruptRingException e) {
      assertThat(e).hasMessageMatching("test @\\d+: .*: expected .*, got -?\\d+");
      corrupt = true;
      if (ring != null) {
        ring.abandon();
      }
    }
    open.forEach(done -> done.done(GOOD));
    for (int i = 0; i < guard; i++) {
      assertThat(whole.get(i)).isEqualTo((byte) 0x5a);
      assertThat(whole.get(guard + bytes + i)).isEqualTo((byte) 0x5a);
    }
    return corrupt;
  }

  @Test
  void aCommandCostsLittleMemory() throws Exception {
    var threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    int ringBytes = 64 << 10;
    ByteBuffer area = area(KernelSide.RING_AT + ringBytes + 4 * KernelSide.PAGE);
    area.putShort(0, (short) 2).putShort(2, (short) ALL_FLAGS);
    area.putInt(4, KernelSide.RING_AT).putInt(8, ringBytes);
    CommandDone[] last = new CommandDone[1];
    var ring =
        new CommandRing("test", area, new Quiet(), (_, _, done) -> last[0] = done, 8, () -> {});
    int entry = 128;
    int rounds = 50_000;
    long before = 0;
    int head = 0;
    for (int i = -rounds; i < rounds; i++) {
      if (i == 0) {
        before = threads.getCurrentThreadAllocatedBytes();
      }
      int at = KernelSide.RING_AT + head;
      area.putInt(at, entry | 1).putInt(at + 8, 1).putLong(at + 12, 0).putLong(at + 24, at + 112);
      area.putLong(at + 48, KernelSide.RING_AT + ringBytes).putLong(at + 56, 4096);
      area.put(at + 112, (byte) 0x28);
      head = (head + entry) % ringBytes;
      area.putInt(12, head);
      ring.take();
      last[0].done(GOOD);
    }
    long each = (threads.getCurrentThreadAllocatedBytes() - before) / rounds;
    System.out.println("bytes allocated per command: " + each);
    assertThat(each).isLessThan(200);
  }

  private static final class Quiet implements RingKernel {
    @Override
    public void ringDoorbell() {}

    @Override
    public boolean isBacked(long offset, long length) {
      return true;
    }

    @Override
    public void freeKeptBuffers(int command) {}
  }
}
