package dev.obd.ublk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Mapping;
import dev.obd.nativeio.Poll;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class AnswersTest {
  private static final int TAGS = 64;
  private static final int ROUNDS = 200_000;

  /**
   * The sleep has no time limit: an answer that is slept over hangs the test. As in the queue, one
   * who is answered asks again, so in the end all wait for the one that sleeps.
   */
  @Test
  void noAnswerIsSleptOver() throws Exception {
    var answers = new Answers();
    var asked = new ConcurrentLinkedQueue<Job>();
    var left = new AtomicInteger(ROUNDS);
    List<Thread> others = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      others.add(
          Thread.ofPlatform()
              .start(() -> {
                while (left.get() > 0) {
                  Job job = asked.poll();
                  if (job != null) {
                    job.done(Status.OK);
                  }
                }
              }));
    }
    try (Mapping buffer = Mapping.anonymous(512)) {
      var poll = new Poll(answers.bell());
      for (int tag = 0; tag < TAGS; tag++) {
        asked.add(new Job(tag, tag, buffer, answers));
      }
      for (int taken = 0; taken < ROUNDS; ) {
        poll.await(-1);
        for (Job job : answers.take()) {
          assertThat(job.result()).isEqualTo(job.tag());
          taken++;
          asked.add(new Job(job.tag(), job.tag(), buffer, answers));
        }
      }
      left.set(0);
      for (Thread other : others) {
        other.join();
      }
      answers.end();
    }
  }

  @Test
  void whatWasNotTakenIsLeftAndWhatComesLaterKeepsNothing() throws Exception {
    var answers = new Answers();
    Mapping first = Mapping.anonymous(512);
    Mapping second = Mapping.anonymous(512);
    var early = new Job(1, 512, first, answers);
    var late = new Job(2, 512, second, answers);
    early.done(Status.NO_SPACE);
    assertThat(answers.end()).containsExactly(early);
    assertThat(early.result()).isEqualTo(-28);
    assertThat(first.buffer().capacity()).isEqualTo(512);
    first.close();
    late.done(Status.OK);
    org.assertj.core.api.Assertions.assertThatThrownBy(second::buffer)
        .as("freed")
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anOverdueReadIsAnsweredOnceAndItsBufferLivesUntilTheDiskIsDone() throws Exception {
    var answers = new Answers();
    Mapping buffer = Mapping.anonymous(512);
    var job = new Job(1, 512, buffer, answers);
    job.overdue();
    assertThat(answers.take()).containsExactly(job);
    assertThat(job.keepsBuffer()).isTrue();
    assertThat(job.result()).isEqualTo(-110);
    assertThat(buffer.buffer().capacity()).isEqualTo(512);
    job.done(Status.OK);
    assertThat(answers.take()).isEmpty();
    org.assertj.core.api.Assertions.assertThatThrownBy(buffer::buffer)
        .as("freed")
        .isInstanceOf(IllegalStateException.class);
    answers.end();
  }
}
