package dev.obd.nativeio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PollTest {
  @Test
  void aSignalWakesTheThreadThatWaitsAndIsGoneOnceCleared() throws Exception {
    try (EventFd first = EventFd.create();
        EventFd second = EventFd.create()) {
      var poll = new Poll(first.fd(), second.fd());
      assertThat(poll.await(0)).isFalse();
      Thread signaller =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  second.signal();
                  second.signal();
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      assertThat(poll.await(-1)).isTrue();
      signaller.join();
      assertThat(poll.ready(0)).isFalse();
      assertThat(poll.ready(1)).isTrue();
      assertThat(poll.broken(1)).isFalse();
      second.clear();
      second.clear();
      assertThat(poll.await(0)).isFalse();
    }
  }
}
