package dev.obd.tcmu.ring;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * The kernel's side of a ring, as target_core_user.c does it: lays out commands, reads answers.
 * Thread-safe.
 */
final class KernelSide implements RingKernel {
  static final int RING_AT = 128;
  static final int PAGE = 4096;

  private static final VarHandle U32 =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  /** What was read of an answer. */
  record Answer(int number, int status, int flags, int lengthRead, byte[] sense) {}

  final ByteBuffer area;
  final int ringBytes;
  final int dataAt;
  private final SplittableRandom random;
  private final boolean[] pages;
  private final Map<Integer, List<Integer>> pagesOf = new HashMap<>();
  private final Set<Integer> kept = new HashSet<>();
  private final List<Answer> answers = new ArrayList<>();
  private int head;
  private int cleaned;
  private int nextNumber;
  private int unknown;
  private int bells;

  KernelSide(ByteBuffer area, int ringBytes, int flags, SplittableRandom random) {
    this.area = area;
    this.ringBytes = ringBytes;
    this.dataAt = RING_AT + ringBytes;
    this.random = random;
    this.pages = new boolean[(area.capacity() - dataAt) / PAGE];
    area.putShort(0, (short) 2);
    area.putShort(2, (short) flags);
    area.putInt(4, RING_AT);
    area.putInt(8, ringBytes);
    head = random.nextInt(ringBytes / 8) * 8;
    cleaned = head;
    area.putInt(12, head);
    area.putInt(64, head);
  }

  /**
   * Lays out a command.
   *
   * @return its number, or -1 if there is no room now
   */
  synchronized int submit(byte[] cdb, int pageCount) {
    int size = Math.max(112, 48 + 16 * pageCount) + (cdb.length + 7) / 8 * 8;
    List<Integer> mine = freePages(pageCount);
    if (mine == null || !makeRoom(size)) {
      return -1;
    }
    do {
      nextNumber = (nextNumber + 1) & 0xffff;
    } while (pagesOf.containsKey(nextNumber));
    int at = RING_AT + head;
    for (int i = 0; i < size; i++) {
      area.put(at + i, (byte) 0);
    }
    area.putInt(at, size | 1).putShort(at + 4, (short) nextNumber);
    area.putInt(at + 8, mine.size()).putLong(at + 24, at + size - (cdb.length + 7) / 8 * 8);
    for (int i = 0; i < mine.size(); i++) {
      int page = mine.get(i);
      pages[page] = true;
      area.putLong(at + 48 + 16 * i, dataAt + (long) page * PAGE);
      int length = i == mine.size() - 1 ? 512 * (1 + random.nextInt(8)) : PAGE;
      area.putLong(at + 56 + 16 * i, length);
      for (int b = 0; b < length; b += 2) { // what is in it tells whose it is
        area.putShort(dataAt + page * PAGE + b, (short) nextNumber);
      }
    }
    area.put((int) area.getLong(at + 24), cdb);
    pagesOf.put(nextNumber, mine);
    advance(size);
    return nextNumber;
  }

  /** Lays out an entry of another kind; nothing happens if there is no room. */
  synchronized void submitOther(int kind, int size) {
    if (makeRoom(size)) {
      for (int i = 0; i < size; i++) {
        area.put(RING_AT + head + i, (byte) 0);
      }
      area.putInt(RING_AT + head, size | kind);
      advance(size);
    }
  }

  private List<Integer> freePages(int count) {
    var found = new ArrayList<Integer>();
    for (int i = 0; i < pages.length && found.size() < count; i++) {
      if (!pages[i]) {
        found.add(i);
      }
    }
    return found.size() == count ? found : null;
  }

  private boolean makeRoom(int size) {
    int used = (head - cleaned + ringBytes) % ringBytes;
    int toEnd = ringBytes - head;
    int padding = toEnd < size ? toEnd : 0;
    if (used + padding + size >= ringBytes) {
      return false;
    }
    if (padding > 0) {
      area.putInt(RING_AT + head, padding);
      advance(padding);
    }
    return true;
  }

  private void advance(int size) {
    head = (head + size) % ringBytes;
    U32.setRelease(area, 12, head);
  }

  @Override
  public synchronized void ringDoorbell() {
    bells++;
    int tail = (int) U32.getAcquire(area, 64);
    while (cleaned != tail) {
      int at = RING_AT + cleaned;
      int size = area.getInt(at) & ~7;
      int kind = area.getInt(at) & 7;
      int flags = area.get(at + 7);
      assertThat(size).isPositive();
      if (kind == 1) {
        int number = Short.toUnsignedInt(area.getShort(at + 4));
        assertThat(pagesOf).as("answer to an unknown command").containsKey(number);
        assertThat(kept).doesNotContain(number);
        byte[] sense = new byte[96];
        area.get(at + 16, sense);
        answers.add(new Answer(number, area.get(at + 8), flags, area.getInt(at + 12), sense));
        if ((flags & 4) != 0) {
          kept.add(number);
        } else {
          free(number);
        }
      } else if (kind > 2) {
        assertThat(flags & 1).as("unknown kind is marked").isEqualTo(1);
        unknown++;
      }
      cleaned = (cleaned + size) % ringBytes;
    }
  }

  private void free(int number) {
    pagesOf.remove(number).forEach(page -> pages[page] = false);
  }

  @Override
  public synchronized void freeKeptBuffers(int command) {
    assertThat(kept.remove(command)).as("freed a command that was not kept").isTrue();
    free(command);
  }

  @Override
  public boolean isBacked(long offset, long length) {
    return true;
  }

  synchronized List<Answer> takeAnswers() {
    var taken = List.copyOf(answers);
    answers.clear();
    return taken;
  }

  synchronized int outstanding() {
    return pagesOf.size();
  }

  synchronized boolean isEmpty() {
    return cleaned == head;
  }

  synchronized int unknown() {
    return unknown;
  }

  synchronized int bells() {
    return bells;
  }
}
