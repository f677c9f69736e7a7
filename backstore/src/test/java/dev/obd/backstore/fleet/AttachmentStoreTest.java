package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.testdata.Seeded;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AttachmentStoreTest {
  @TempDir private Path dir;

  private static Attachment attachment(SplittableRandom random) {
    return new Attachment(
        "n" + random.nextInt(100),
        "host/app:v" + random.nextInt() + " \"\\ü\u0001",
        Door.values()[random.nextInt(Door.values().length)],
        random.nextBoolean() ? "" : "fuse:///a%20b?x=1&y",
        random.nextBoolean() ? "" : "/dev/sda",
        random.nextBoolean() ? Optional.empty() : Optional.of(Path.of("/mnt/a b/ü")),
        random.nextBoolean(),
        random.nextBoolean() ? "" : "ext4",
        random.nextBoolean() ? "" : "noatime,discard",
        random.nextBoolean(),
        random.nextBoolean() ? Optional.empty() : Optional.of(Path.of("/upper")),
        replay(random),
        new PrefetchConfig(
            FileList.of(random.nextBoolean() ? List.of() : List.of("/usr/lib/", "/ä b\"")),
            Duration.ZERO),
        Instant.ofEpochSecond(random.nextLong(2_000_000_000L)),
        random.nextBoolean());
  }

  private static ReplayRequest replay(SplittableRandom random) {
    TraceChoice trace =
        switch (random.nextInt(4)) {
          case 0 -> new TraceChoice.All();
          case 1 -> new TraceChoice.None();
          case 2 -> new TraceChoice.Named("none \"\\ü");
          default -> new TraceChoice.File(Path.of("/a b/ü.runs"));
        };
    PrefetchBudget budget =
        random.nextBoolean()
            ? new PrefetchBudget.Unlimited()
            : new PrefetchBudget.Bytes(random.nextLong(Long.MAX_VALUE));
    return new ReplayRequest(trace, budget);
  }

  static LongStream seeds() {
    return Seeded.seeds();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whatIsSavedIsFoundAgain(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var store = new AttachmentStore(dir.resolve("s"));
    assertThat(store.load().attachments()).isEmpty();
    for (int i = 0; i < 20; i++) {
      Attachment a = attachment(random);
      store.save(a);
      assertThat(store.load().attachments()).contains(a);
      if (random.nextBoolean()) {
        store.delete(a.name());
        assertThat(store.load().attachments()).noneMatch(o -> o.name().equals(a.name()));
      }
    }
    assertThat(store.load().unreadable()).isEmpty();
  }

  /**
   * The file is written beside and renamed: a crash leaves the old record, and a file of no name.
   */
  @Test
  void everyPrefixOfAWriteLeavesTheRecordBefore() throws IOException {
    var store = new AttachmentStore(dir);
    Attachment before = attachment(new SplittableRandom(1));
    store.save(before);
    byte[] bytes = Files.readAllBytes(dir.resolve(before.name() + ".json"));
    for (int cut = 0; cut <= bytes.length; cut++) {
      Files.write(dir.resolve("." + before.name() + ".json.17-1.tmp"), Arrays.copyOf(bytes, cut));
      assertThat(store.load().attachments()).containsExactly(before);
    }
    assertThat(store.load().unreadable()).isEmpty();
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void damagedRecordsAreToldAndStopNothing(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var store = new AttachmentStore(dir);
    Attachment good = attachment(random);
    store.save(good);
    byte[] bytes = Files.readAllBytes(dir.resolve(good.name() + ".json"));
    Path bad = dir.resolve("bad.json");
    for (int i = 0; i < 200; i++) {
      byte[] mutated = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
      for (int n = random.nextInt(4); n > 0 && mutated.length > 0; n--) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
      }
      Files.write(bad, mutated);
      AttachmentStore.Loaded loaded = store.load();
      assertThat(loaded.attachments()).containsExactly(good);
      assertThat(loaded.unreadable())
          .as(new String(mutated, StandardCharsets.ISO_8859_1))
          .hasSize(1);
    }
    Files.write(bad, new byte[2 << 20]);
    assertThat(store.load().unreadable()).hasSize(1);
  }
}
