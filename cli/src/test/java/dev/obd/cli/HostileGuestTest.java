package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Seeded;
import dev.obd.testdata.Tools;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Whoever does his worst to one disk of a daemon harms neither the daemon nor another disk. */
@InGuest(memory = 3072, limitSeconds = 900)
class HostileGuestTest {
  /** More: {@code -Dobd.guest.commands=1000000}. */
  private static final int COMMANDS = Integer.getInteger("obd.guest.commands", 100_000);

  private static final int THREADS = 4;
  private static final long PATIENCE_MILLIS = 60_000;
  private static final Duration ENDS_WITHIN = Duration.ofSeconds(60);

  /** Commands that disks know; half of all are of these. */
  private static final int[] KNOWN = {
    0x00, 0x03, 0x08, 0x0A, 0x12, 0x15, 0x1A, 0x1B, 0x1E, 0x25, 0x28, 0x2A, 0x2E, 0x2F, 0x35, 0x41,
    0x42, 0x55, 0x5A, 0x5E, 0x5F, 0x7F, 0x88, 0x89, 0x8A, 0x8E, 0x8F, 0x91, 0x93, 0x9B, 0x9E, 0xA0,
    0xA3, 0xA4, 0xA8, 0xAA, 0xAE, 0xAF
  };

  private static final int[] BLOCK_BYTES = {6, 10, 12, 16};

  private static TestHome home;
  private static GuestDaemon daemon;
  private static Path victim;
  private static Path other;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    Tools.requireOnPath("fio", "dd");
    home = new TestHome();
    daemon = new GuestDaemon(home.resolve("daemon"), new JsonObject()).start();
    victim = daemon.makeWritable("victim", "16M");
    other = daemon.makeWritable("other", "32M");
  }

  @AfterAll
  static void stop() throws IOException, InterruptedException {
    if (other != null) {
      Snapshotter.detach("victim");
      Snapshotter.detach("other");
      assertThat(Snapshotter.left()).isEmpty();
    }
    if (daemon != null) {
      daemon.stop();
      home.close();
    }
  }

  private static JsonObject device(String id) throws IOException {
    return daemon.devices().stream()
        .filter(d -> d.get("id").getAsString().contains("device-" + id))
        .findFirst()
        .orElseThrow();
  }

  private static long pid() {
    return daemon.obd("status", "--json").json().get("pid").getAsLong();
  }

  private static Processes.Result read(Path node) throws IOException, InterruptedException {
    return Processes.run(
        ENDS_WITHIN,
        null,
        List.of("dd", "if=" + node, "of=/dev/null", "bs=64k", "count=16", "iflag=direct"));
  }

  private static byte[] block(SplittableRandom random) {
    int operation =
        random.nextBoolean() ? KNOWN[random.nextInt(KNOWN.length)] : random.nextInt(256);
    byte[] cdb = new byte[BLOCK_BYTES[random.nextInt(BLOCK_BYTES.length)]];
    random.nextBytes(cdb);
    cdb[0] = (byte) operation;
    if (random.nextInt(4) > 0) { // small numbers: places that there are, lengths that fit
      for (int i = 2; i < cdb.length; i++) {
        cdb[i] = random.nextInt(3) == 0 ? (byte) random.nextInt(8) : 0;
      }
    }
    return cdb;
  }

  /** Sends random commands; how often each status was the answer. */
  private static Map<Integer, Integer> bombard(SplittableRandom random, int count)
      throws IOException {
    var answers = new TreeMap<Integer, Integer>();
    var directions = ScsiCommands.Direction.values();
    try (var disk = new ScsiCommands(victim)) {
      for (int i = 0; i < count; i++) {
        int bytes =
            random.nextInt(8) == 0
                ? random.nextInt(ScsiCommands.MOST_DATA + 1)
                : 512 * random.nextInt(9);
        int status = disk.run(block(random), directions[random.nextInt(directions.length)], bytes);
        answers.merge(status, 1, Integer::sum);
      }
    }
    return answers;
  }

  @Test
  void noCommandHarmsTheDaemonOrAnotherDisk() throws Exception {
    long seed = Seeded.fresh();
    var seeds = new SplittableRandom(seed);
    long before = pid();
    var answers = new TreeMap<Integer, Integer>();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        var load = new VerifiedLoad(other, 16, 8, home.resolve("fio.log"));
        var probe = new DiskProbe(other, 0, 64)) {
      var tasks = new ArrayList<Callable<Map<Integer, Integer>>>();
      for (int i = 0; i < THREADS; i++) {
        SplittableRandom random = seeds.split();
        tasks.add(() -> bombard(random, COMMANDS / THREADS));
      }
      for (Future<Map<Integer, Integer>> task : threads.invokeAll(tasks)) {
        task.get().forEach((status, count) -> answers.merge(status, count, Integer::sum));
      }
      probe.awaitRounds(PATIENCE_MILLIS);
      load.check();
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed + ", log:\n" + daemon.everything(), e);
    }
    System.out.println("seed " + seed + ", answers by status: " + answers);
    assertThat(answers.values().stream().mapToInt(i -> i).sum())
        .isEqualTo(COMMANDS / THREADS * THREADS);
    assertThat(answers).as("some succeed, some are refused").containsKeys(0, 2);
    assertThat(answers.getOrDefault(-2, 0)).as("commands that the disk did not answer").isZero();
    assertThat(pid()).isEqualTo(before);
    assertThat(device("victim").get("state").getAsString()).isEqualTo("serving");
    assertThat(read(victim).exit()).isZero();
    assertThat(Processes.run("dmesg").text()).doesNotContain("ring is broken");
  }

  /** Where the daemon shares memory with the kernel for the device. */
  private static long ringAddress(String id, long pid) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/sys/class/uio"))) {
      for (Path uio : all) {
        if (Files.readString(uio.resolve("name")).contains("/dev_" + id + "/")) {
          String line =
              Files.readAllLines(Path.of("/proc/" + pid + "/maps")).stream()
                  .filter(l -> l.endsWith("/dev/" + uio.getFileName()))
                  .findFirst()
                  .orElseThrow();
          return Long.parseLong(line.substring(0, line.indexOf('-')), 16);
        }
      }
    }
    throw new AssertionError("no device " + id);
  }

  private static void write(long pid, long address, int word) throws IOException {
    try (var memory = new RandomAccessFile("/proc/" + pid + "/mem", "rw")) {
      memory.seek(address);
      memory.writeInt(Integer.reverseBytes(word));
    }
  }

  private static int readWord(long pid, long address) throws IOException {
    try (var memory = new RandomAccessFile("/proc/" + pid + "/mem", "r")) {
      memory.seek(address);
      return Integer.reverseBytes(memory.readInt());
    }
  }

  @Test
  void aRingThatIsCorruptedAgainAndAgainEndsItsDiskAlone() throws Exception {
    Path doomed = daemon.makeWritable("doomed", "16M");
    assertThat(read(doomed).exit()).isZero();
    long pid = pid();
    long ring = ringAddress("doomed", pid);
    int headAt = 12;
    int tailAt = 64;
    try (var load = new VerifiedLoad(other, 16, 8, home.resolve("fio.log"));
        var probe = new DiskProbe(other, 0, 64)) {
      // Not where it was left; it is noticed with the next answer.
      write(pid, ring + tailAt, readWord(pid, ring + tailAt) + 8);
      assertThat(read(doomed).exit()).isNotZero();
      JsonObject ended = device("doomed");
      assertThat(ended.get("state").getAsString()).isEqualTo("ended");
      assertThat(ended.get("reason").getAsString()).contains("tail: expected");
      assertThat(daemon.obd("status").expect(1).out()).contains("ended");
      write(pid, ring + headAt, 4);
      assertThat(read(doomed).exit()).isNotZero();
      write(pid, ring, 0x7777_7777); // version and flags: it is no ring any more
      write(pid, ring + headAt, -1);
      assertThat(read(doomed).exit()).isNotZero();
      assertThat(read(doomed).exit()).isNotZero();
      probe.awaitRounds(PATIENCE_MILLIS);
      assertThat(probe.takeWorstMillis()).isLessThan(PATIENCE_MILLIS / 4);
      load.check();
    }
    assertThat(pid()).isEqualTo(pid);
    assertThat(device("other").get("state").getAsString()).isEqualTo("serving");
    long began = System.nanoTime();
    Snapshotter.detach("doomed");
    assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began))
        .isLessThan(PATIENCE_MILLIS);
  }
}
