package dev.obd.backstore.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.PendingFile.Existing;
import dev.obd.io.Ticker;
import dev.obd.registry.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class BaseDisksTest {
  private static final Digest IMAGE = Digest.of(new byte[] {1});
  private static final Digest OTHER = Digest.of(new byte[] {2});

  @TempDir private Path dir;
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2030-01-01T00:00:00Z"));
  private final AtomicInteger made = new AtomicInteger();
  private BaseDisks disks;

  @BeforeEach
  void open() {
    disks = new BaseDisks(dir.resolve("disks"), now::get, Ticker.SYSTEM);
  }

  private void write(Path work, Path disk) throws IOException {
    made.incrementAndGet();
    Files.writeString(work.resolve("layer"), "compressed");
    Files.writeString(disk, "the disk");
  }

  private BaseDisks.Held get(Digest image, String name) throws Exception {
    return disks.get(image, name, this::write, () -> {});
  }

  @Test
  void aDiskIsMadeOnceAndNothingElseIsKept() throws Exception {
    for (int i = 0; i < 3; i++) {
      try (BaseDisks.Held held = get(IMAGE, "app:v1")) {
        assertThat(held.file()).hasContent("the disk");
      }
    }
    assertThat(made).hasValue(1);
    try (Stream<Path> files = Files.list(dir.resolve("disks"))) {
      assertThat(files.map(f -> f.getFileName().toString().substring(64)))
          .containsExactlyInAnyOrder(".raw", ".json", ".lock");
    }
  }

  @Test
  void whoComesWhileItIsMadeIsToldAndWaits() throws Exception {
    var begun = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    var told = new CountDownLatch(1);
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var first =
          threads.submit(() ->
              disks.get(
                  IMAGE,
                  "app",
                  (work, disk) -> {
                    begun.countDown();
                    goOn.await();
                    write(work, disk);
                  },
                  () -> {}));
      begun.await();
      assertThat(disks.inUse(IMAGE)).isTrue();
      assertThat(disks.remove(IMAGE)).isFalse();
      var second = threads.submit(() -> disks.get(IMAGE, "app", this::write, told::countDown));
      assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
      goOn.countDown();
      first.get().close();
      try (BaseDisks.Held held = second.get()) {
        assertThat(held.file()).hasContent("the disk");
      }
    }
    assertThat(made).hasValue(1);
  }

  @Test
  void anInterruptedMakingLeavesNoDiskAndItsWorkIsFoundAgain() throws Exception {
    assertThatThrownBy(() ->
            disks.get(
                IMAGE,
                "app",
                (work, disk) -> {
                  Files.writeString(work.resolve("half"), "fetched so far");
                  Files.writeString(disk, "half a disk");
                  throw new IOException("cut");
                },
                () -> {}))
        .hasMessage("cut");
    assertThat(disks.list()).isEmpty();
    try (BaseDisks.Held held =
        disks.get(
            IMAGE,
            "app",
            (work, disk) -> {
              assertThat(work.resolve("half")).hasContent("fetched so far");
              write(work, disk);
            },
            () -> {})) {
      assertThat(held.file()).hasContent("the disk");
    }
  }

  @Test
  void theyAreListedTheOneUsedLastFirst() throws Exception {
    get(IMAGE, "app:v1").close();
    now.set(now.get().plusSeconds(60));
    get(OTHER, "app:v2").close();
    now.set(now.get().plusSeconds(60));
    get(IMAGE, "app:v1").close();
    assertThat(disks.list()).extracting(BaseDisks.Entry::name).containsExactly("app:v1", "app:v2");
    BaseDisks.Entry first = disks.list().getFirst();
    assertThat(first.image()).isEqualTo(IMAGE);
    assertThat(first.sizeBytes()).isEqualTo(8);
    assertThat(first.made()).isEqualTo(now.get().minusSeconds(120));
    assertThat(first.lastUse()).isEqualTo(now.get());
  }

  @Test
  void whatIsInUseStaysAndACopyOutlivesItsBase() throws Exception {
    Path copy = dir.resolve("vm.raw");
    try (BaseDisks.Held held = get(IMAGE, "app:v1")) {
      assertThat(disks.inUse(IMAGE)).isTrue();
      assertThat(disks.remove(IMAGE)).isFalse();
      held.copy(copy, 4096, Existing.KEEP);
    }
    assertThat(disks.inUse(IMAGE)).isFalse();
    assertThat(disks.remove(IMAGE)).isTrue();
    assertThat(disks.remove(IMAGE)).isFalse();
    assertThat(disks.list()).isEmpty();
    assertThat(Files.size(copy)).isEqualTo(4096);
    assertThat(dir.resolve("vm.raw.obd.json"))
        .content()
        .contains("app:v1")
        .contains(IMAGE.value())
        .contains("2030-01-01");
    get(IMAGE, "app:v1").close();
    assertThat(made).hasValue(2);
  }

  @Test
  void aStoreThatWasNeverUsedIsEmpty() throws Exception {
    assertThat(disks.list()).isEmpty();
    assertThat(disks.inUse(IMAGE)).isFalse();
    assertThat(disks.remove(IMAGE)).isFalse();
    assertThat(dir.resolve("disks")).doesNotExist();
  }
}
