package dev.obd.tcmu.ring;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The entries between tail and head in their order, as they were when they were read: what the ring
 * says about them later is not believed. One thread adds at the end, one at a time takes from the
 * front.
 */
final class Slots {
  /** More than a ring's worth of commands in flight; a power of two. */
  static final int CAPACITY = 4096;

  private static final int MASK = CAPACITY - 1;

  private final int[] offsets = new int[CAPACITY];
  private final int[] ends = new int[CAPACITY];
  private final @Nullable RingCommand[] commands = new RingCommand[CAPACITY];

  /** Counts what was added; behind it the arrays are the taker's. */
  private final AtomicInteger added = new AtomicInteger();

  /** Counts what was taken; behind it the arrays are the adder's. */
  private final AtomicInteger taken = new AtomicInteger();

  boolean isFull() {
    return added.getPlain() - taken.getAcquire() == CAPACITY;
  }

  /**
   * @param offset of the entry, from the start of the memory
   * @param end where the next one starts, from the start of the ring
   * @param command null if it needs no answer
   */
  void add(int offset, int end, @Nullable RingCommand command) {
    int index = added.getPlain() & MASK;
    offsets[index] = offset;
    ends[index] = end;
    commands[index] = command;
    added.setRelease(added.getPlain() + 1);
  }

  boolean isEmpty() {
    return taken.getPlain() == added.getAcquire();
  }

  int frontOffset() {
    return offsets[taken.getPlain() & MASK];
  }

  @Nullable RingCommand frontCommand() {
    return commands[taken.getPlain() & MASK];
  }

  /** Takes the front entry; the result is its end. */
  int take() {
    int index = taken.getPlain() & MASK;
    commands[index] = null;
    int end = ends[index];
    taken.setRelease(taken.getPlain() + 1);
    return end;
  }
}
