package dev.obd.tcmu.ring;

import dev.obd.tcmu.scsi.ScsiResult;
import dev.obd.tcmu.scsi.Sense;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One device's ring: {@link #take} reads commands, which go to the target; their answers are
 * written by whoever brings them, one thread at a time. {@link #take} is for one thread, the rest
 * thread-safe. Nothing here waits, except {@link #awaitDone}.
 *
 * <p>All that is read is copied and checked before it is used. Once something proves wrong the ring
 * is {@linkplain #abandon abandoned}: what is under way ends, but the memory is not written to.
 */
public final class CommandRing {
  private static final Logger log = LogManager.getLogger(CommandRing.class);
  private static final ScsiResult FULL = new ScsiResult(ScsiResult.TASK_SET_FULL, null, 0);

  /** HARDWARE ERROR, INTERNAL TARGET FAILURE. */
  private static final ScsiResult BROKEN =
      new ScsiResult(ScsiResult.CHECK_CONDITION, new Sense(4, 0x44, 0, false, 0), 0);

  private final String name;
  private final ByteBuffer area;
  private final RingKernel kernel;
  private final CommandTarget target;
  private final int limit;
  private final Runnable wake;
  private final Mailbox mailbox;
  private final boolean inOrder;
  private final int dataOffset;
  private final long mostKeptBytes;
  private final Slots slots = new Slots();

  /** Up to where entries were read, from the start of the ring. Of the taking thread. */
  private int cursor;

  private final AtomicReference<@Nullable RingCommand> free = new AtomicReference<>();
  private final AtomicReference<@Nullable RingCommand> answers = new AtomicReference<>();

  /** Calls of {@link #writeAnswers} that are not over; the first of them writes. */
  private final AtomicInteger calls = new AtomicInteger();

  /** Up to where entries are answered, and up to where the kernel knows it. Of the writer. */
  private int answered;

  private int published;

  /** Commands that were taken and not answered. */
  private final AtomicInteger unanswered = new AtomicInteger();

  /** Commands whose buffers the target may touch. */
  private final AtomicInteger undone = new AtomicInteger();

  private final AtomicLong keptBytes = new AtomicLong();
  private final AtomicLong commands = new AtomicLong();
  private volatile boolean starved;
  private volatile boolean abandoned;

  /** Why answers cannot be written any more, for {@link #take} to tell. */
  private volatile @Nullable Throwable broken;

  private volatile boolean awaited;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition allDone = lock.newCondition();

  /**
   * @param name of the device, for messages
   * @param area the whole shared memory, in the machine's byte order; it must stay there until the
   *     ring is abandoned and nothing is {@link #undone}
   * @param limit of commands that are taken and not answered; positive
   * @param wake called when {@link #take} had to leave something because of the limit and need not
   *     any more
   * @throws CorruptRingException if it is no ring
   */
  public CommandRing(
      String name,
      ByteBuffer area,
      RingKernel kernel,
      CommandTarget target,
      int limit,
      Runnable wake)
      throws CorruptRingException {
    this.name = name;
    this.area = area;
    this.kernel = kernel;
    this.target = target;
    this.limit = limit;
    this.wake = wake;
    this.mailbox = new Mailbox(name, area);
    this.inOrder = !mailbox.offers(Mailbox.OUT_OF_ORDER);
    this.dataOffset = mailbox.ringOffset() + mailbox.ringBytes();
    this.mostKeptBytes = (long) (area.capacity() - dataOffset) / 2;
    this.cursor = mailbox.tail();
    this.answered = cursor;
    this.published = cursor;
  }

  /** Commands that were taken and not answered yet. */
  public int inFlight() {
    return unanswered.get();
  }

  /** Commands whose buffers are in use; at least those of {@link #inFlight}. */
  public int undone() {
    return undone.get();
  }

  /** Commands taken since the start. */
  public long commands() {
    return commands.get();
  }

  /** True if the kernel has written nothing that was not answered. */
  public boolean isEmpty() throws CorruptRingException {
    return mailbox.tail() == mailbox.head();
  }

  /** From now on nothing is taken, and answers go nowhere. */
  public void abandon() {
    abandoned = true;
  }

  /**
   * Hands to the target what the kernel has written, as far as the limit allows.
   *
   * @throws CorruptRingException also if the tail is not where it was left, of which {@code wake}
   *     tells
   * @throws IllegalStateException if answers can no longer be written, of which {@code wake} tells
   */
  public void take() throws CorruptRingException {
    boolean skipped = false;
    while (!abandoned) {
      if (slots.isFull() || unanswered.get() >= limit) {
        starved = true;
        // Once more, now that answers see it: the last of them may have come before.
        writeAnswers();
        if (slots.isFull() || unanswered.get() >= limit) {
          return;
        }
        starved = false;
      }
      int head = mailbox.head();
      if (cursor == head) {
        break;
      }
      skipped |= takeEntry(head);
    }
    if (skipped) {
      writeAnswers();
    }
    Throwable why = broken;
    if (why instanceof CorruptRingException corrupt) {
      throw corrupt;
    }
    if (why != null) {
      throw new IllegalStateException(name + ": answers cannot be written: " + why, why);
    }
  }

  /** True if the entry at the cursor needs no answer. */
  private boolean takeEntry(int head) throws CorruptRingException {
    int at = mailbox.ringOffset() + cursor;
    int word = area.getInt(at);
    long bytes = Integer.toUnsignedLong(word & ~Entry.KIND_MASK);
    int kind = word & Entry.KIND_MASK;
    // Entries do not wrap, and none reaches beyond what was written.
    int most = (head > cursor ? head : mailbox.ringBytes()) - cursor;
    int least =
        switch (kind) {
          case Entry.COMMAND -> Entry.LEAST_COMMAND_BYTES;
          case Entry.TASK_MANAGEMENT -> Entry.LEAST_TASK_MANAGEMENT_BYTES;
          default -> Entry.ALIGNMENT;
        };
    if (bytes < least || bytes > most) {
      throw corrupt(at, "length", least + " to " + most, bytes);
    }
    int end = (cursor + (int) bytes) % mailbox.ringBytes();
    switch (kind) {
      case Entry.COMMAND -> {
        RingCommand command = read(at, (int) bytes);
        slots.add(at, end, command);
        cursor = end;
        dispatch(command);
        return false;
      }
      case Entry.PADDING -> {}
      case Entry.TASK_MANAGEMENT ->
          // The kernel waits for the commands it is about, and they end as they would have.
          log.info(
              "tcmu.task.management device={} function={}",
              name,
              area.get(at + Entry.TASK_FUNCTION_AT));
      default -> Entry.markUnknown(area, at);
    }
    slots.add(at, end, null);
    cursor = end;
    return true;
  }

  private RingCommand read(int at, int bytes) throws CorruptRingException {
    int most = (bytes - Entry.BUFFER_LIST_AT) / Entry.BUFFER_BYTES;
    long buffers = Integer.toUnsignedLong(area.getInt(at + Entry.BUFFERS_AT));
    long others =
        Integer.toUnsignedLong(area.getInt(at + Entry.OTHER_BUFFERS_AT))
            + Integer.toUnsignedLong(area.getInt(at + Entry.PROTECTION_BUFFERS_AT));
    if (buffers + others > most) {
      throw corrupt(at + Entry.BUFFERS_AT, "buffers", most, buffers + others);
    }
    RingCommand command = free();
    command.number = Short.toUnsignedInt(area.getShort(at + Entry.NUMBER_AT));
    for (int i = 0; i < buffers; i++) {
      int entry = at + Entry.BUFFER_LIST_AT + i * Entry.BUFFER_BYTES;
      long offset = area.getLong(entry);
      long length = area.getLong(entry + Long.BYTES);
      if (offset < dataOffset || offset > area.capacity()) {
        throw corrupt(entry, "offset of a buffer", dataOffset + " to " + area.capacity(), offset);
      }
      if (length < 0 || length > area.capacity() - offset) {
        throw corrupt(
            entry + Long.BYTES,
            "length of a buffer",
            "at most " + (area.capacity() - offset),
            length);
      }
      if (!kernel.isBacked(offset, length)) {
        throw corrupt(entry, "a buffer", "memory behind it", offset);
      }
      command.data.add(area.slice((int) offset, (int) length));
      command.dataBytes += length;
    }
    command.block = block(command, at);
    return command;
  }

  private byte[] block(RingCommand command, int at) throws CorruptRingException {
    long from = area.getLong(at + Entry.BLOCK_AT);
    // In the ring, and with room for the bytes that tell its length.
    if (from < mailbox.ringOffset() || from > dataOffset - Entry.ALIGNMENT) {
      throw corrupt(
          at + Entry.BLOCK_AT,
          "offset of the command descriptor block",
          mailbox.ringOffset() + " to " + (dataOffset - Entry.ALIGNMENT),
          from);
    }
    int start = (int) from;
    int length = Entry.blockBytes(area.get(start), area.get(start + 7));
    if (length > dataOffset - start) {
      throw corrupt(
          at + Entry.BLOCK_AT,
          "length of the command descriptor block",
          "at most " + (dataOffset - start),
          length);
    }
    byte[] block = command.block(length);
    area.get(start, block);
    return block;
  }

  private CorruptRingException corrupt(long at, String field, Object expected, long actual) {
    return mailbox.corrupt(at, field, expected, actual);
  }

  private void dispatch(RingCommand command) {
    unanswered.incrementAndGet();
    undone.incrementAndGet();
    commands.incrementAndGet();
    if (command.dataBytes > 0 && keptBytes.get() >= mostKeptBytes) {
      command.done(FULL); // hung reads have the data area
      return;
    }
    try {
      target.submit(command.block, command.data, command);
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      log.warn("tcmu.command.no.resources device={}", name, e);
      command.orphan = true;
      command.done(FULL);
    } catch (RuntimeException | Error e) { // a bug, of which the client hears no more than this
      log.error("tcmu.command.failed device={}", name, e);
      command.orphan = true;
      command.done(BROKEN);
    }
  }

  /** The target does not touch the command any more. {@code before}: its bits before DONE. */
  void done(RingCommand command, ScsiResult end, int before) {
    if ((before & RingCommand.ANSWERED) == 0) {
      command.result = end;
      command.set(RingCommand.ANSWERED);
      answer(command);
    } else if ((before & RingCommand.WRITTEN) != 0) {
      giveBack(command);
    } // else the writer sees it
    // After the answer: while it is written, the memory must be there.
    if (undone.decrementAndGet() == 0 && awaited) {
      lock.lock();
      try {
        allDone.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** The client is to be answered while the target holds the buffers, if the kernel allows it. */
  void overdue(RingCommand command, ScsiResult answer) {
    if (!mailbox.offers(Mailbox.KEEP_BUFFERS)) {
      return; // done() will answer
    }
    if (keptBytes.addAndGet(command.dataBytes) > mostKeptBytes) {
      keptBytes.addAndGet(-command.dataBytes);
      return;
    }
    command.result = answer;
    command.set(RingCommand.ANSWERED | RingCommand.KEPT);
    answer(command);
  }

  private void giveBack(RingCommand command) {
    kernel.freeKeptBuffers(command.number);
    keptBytes.addAndGet(-command.dataBytes);
    recycle(command);
  }

  private void answer(RingCommand command) {
    while (true) {
      RingCommand first = answers.get();
      command.next = first;
      if (answers.compareAndSet(first, command)) {
        break;
      }
    }
    writeAnswers();
  }

  /** Whoever comes while another thread writes leaves it to that one. */
  private void writeAnswers() {
    if (calls.getAndIncrement() != 0) {
      return;
    }
    int seen = 1;
    do {
      try {
        writeAll();
      } catch (CorruptRingException | RuntimeException | Error e) { // also if the memory is gone
        abandoned = true;
        broken = e;
        log.error("tcmu.answer.failed device={}", name, e);
        wake.run();
      }
      seen = calls.addAndGet(-seen);
    } while (seen != 0);
  }

  private void writeAll() throws CorruptRingException {
    RingCommand list = answers.getAndSet(null);
    if (abandoned) {
      return; // the kernel has forgotten them
    }
    int count = 0;
    List<RingCommand> kept = List.of();
    while (list != null) {
      RingCommand command = list;
      list = command.next;
      command.next = null;
      if (inOrder) {
        command.ready = true;
        continue;
      }
      skip(); // the next entry is a command's, perhaps another one's: the number tells
      kept = write(command, kept);
      count++;
    }
    skip();
    for (RingCommand front = readyFront(); front != null; front = readyFront()) {
      kept = write(front, kept);
      count++;
      skip();
    }
    if (count == 0 && answered == published) {
      return;
    }
    requireOwnTail();
    published = answered;
    mailbox.tail(answered);
    try {
      kernel.ringDoorbell();
    } catch (IOException e) { // the device is gone, which its thread will notice
      log.debug("tcmu.doorbell.failed device={}", name, e);
    }
    kept.forEach(this::wasWritten);
    if (unanswered.addAndGet(-count) < limit && starved && !slots.isFull()) {
      starved = false;
      wake.run();
    }
  }

  /**
   * Only we write the tail. If somebody else did, the kernel may have taken for answered what was
   * not, and gives up a ring in which that made no sense to it: what is in it would wait for ever.
   * It is put right, because the kernel follows it before it resets a ring, wherever that leads.
   */
  private void requireOwnTail() throws CorruptRingException {
    int tail = mailbox.rawTail();
    if (tail != published) {
      mailbox.tail(published);
      throw mailbox.corruptTail(published, tail);
    }
  }

  /** If answers have to come in order: the front entry's command, if its answer is there. */
  private @Nullable RingCommand readyFront() {
    if (!inOrder || slots.isEmpty()) {
      return null;
    }
    RingCommand front = slots.frontCommand();
    return front != null && front.ready ? front : null;
  }

  /** Passes entries that need no answer. */
  private void skip() {
    while (!slots.isEmpty() && slots.frontCommand() == null) {
      answered = slots.take();
    }
  }

  private List<RingCommand> write(RingCommand command, List<RingCommand> kept) {
    ScsiResult result = Objects.requireNonNull(command.result);
    boolean keep = command.is(RingCommand.KEPT);
    boolean isShort =
        result.status() == ScsiResult.GOOD
            && result.transferred() > 0
            && result.transferred() < command.dataBytes
            && mailbox.offers(Mailbox.READ_LENGTH);
    Entry.answer(
        area,
        slots.frontOffset(),
        command.number,
        result,
        isShort ? result.transferred() : -1,
        keep);
    answered = slots.take();
    if (!keep) {
      recycle(command);
      return kept;
    }
    var more = new ArrayList<>(kept);
    more.add(command);
    return more;
  }

  /**
   * The kernel knows by now that the command's buffers are kept, so it can be told to free them.
   */
  private void wasWritten(RingCommand command) {
    if ((command.set(RingCommand.WRITTEN) & RingCommand.DONE) != 0) {
      giveBack(command);
    }
  }

  private RingCommand free() {
    while (true) {
      RingCommand first = free.get();
      if (first == null) {
        return new RingCommand(this);
      }
      // Only one thread takes, so first cannot have left and come back in between.
      if (free.compareAndSet(first, first.next)) {
        first.renew();
        return first;
      }
    }
  }

  private void recycle(RingCommand command) {
    if (command.orphan) {
      return; // who knows what the target still does with it
    }
    while (true) {
      RingCommand first = free.get();
      command.next = first;
      if (free.compareAndSet(first, command)) {
        return;
      }
    }
  }

  /**
   * Waits until the target touches no buffer any more.
   *
   * @return false if that did not come within {@code patience}
   */
  public boolean awaitDone(Duration patience) throws InterruptedException {
    long left = patience.toNanos();
    lock.lockInterruptibly();
    try {
      awaited = true;
      while (undone.get() > 0 && left > 0) {
        left = allDone.awaitNanos(left);
      }
      return undone.get() == 0;
    } finally {
      lock.unlock();
    }
  }
}
