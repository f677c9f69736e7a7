package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Seeded;
import dev.obd.testdata.Tools;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A writable disk whose daemon is killed, or told to end, under load. */
@InGuest(memory = 4096, limitSeconds = 2400)
class RestartTest {
  /** More cycles: {@code -Dobd.guest.cycles=50}. */
  private static final int CYCLES = Integer.getInteger("obd.guest.cycles", 4);

  private static final int EVERY = 5;
  private static final long PATIENCE_MILLIS = 120_000;
  private static final int DISK_MEBIBYTES = 64;

  private static TestHome home;
  private static GuestDaemon daemon;
  private static Path node;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    Tools.requireOnPath("fio");
    home = new TestHome();
    daemon = new GuestDaemon(home.resolve("daemon"), new JsonObject()).start();
    node = daemon.makeWritable("restart", DISK_MEBIBYTES + "M");
  }

  @AfterAll
  static void stop() throws IOException, InterruptedException {
    if (node != null) {
      Snapshotter.detach("restart");
      assertThat(Snapshotter.left()).isEmpty();
    }
    if (daemon != null) {
      daemon.close();
      home.close();
    }
  }

  /** One way for a daemon to end, and the next to begin. */
  private interface Cycle {
    void run() throws IOException, InterruptedException;
  }

  private static List<Long> stalls(String name, int cycles, Cycle cycle)
      throws IOException, InterruptedException {
    long seed = Seeded.fresh();
    var random = new SplittableRandom(seed);
    var stalls = new ArrayList<Long>();
    try (var probe = new DiskProbe(node, 0, 256);
        var load = new VerifiedLoad(node, 16, 16, home.resolve("fio.log"))) {
      for (int i = 0; i < cycles; i++) {
        probe.awaitRounds(PATIENCE_MILLIS);
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1000));
        probe.takeWorstMillis();
        cycle.run();
        probe.awaitRounds(PATIENCE_MILLIS);
        stalls.add(probe.takeWorstMillis());
        load.check();
      }
      load.finish();
      assertThat(load.runs()).isPositive();
    } catch (AssertionError e) {
      throw new AssertionError("seed " + seed + ", log:\n" + daemon.everything(), e);
    }
    System.out.println(DiskProbe.summary("stall per " + name, stalls) + " " + stalls);
    return stalls;
  }

  @Test
  void killedDaemonsCostNoErrorAndNoByte() throws Exception {
    List<Long> stalls =
        stalls(
            "kill",
            CYCLES,
            () -> {
              daemon.kill();
              daemon.start();
            });
    assertThat(stalls).hasSize(CYCLES);
  }

  @Test
  void daemonsThatAreKilledWhileTheyTakeOverCostNoErrorAndNoByte() throws Exception {
    var random = new SplittableRandom(5);
    stalls(
        "two kills",
        Math.max(3, CYCLES / EVERY),
        () -> {
          daemon.kill();
          daemon.startOnly();
          // Somewhere between the start of the virtual machine and the first requests.
          TimeUnit.MILLISECONDS.sleep(500 + random.nextInt(4000));
          daemon.kill();
          daemon.start();
        });
  }

  @Test
  void aDaemonThatIsToldToEndLeavesTheDiskToTheNext() throws Exception {
    stalls(
        "stop",
        3,
        () -> {
          daemon.stop();
          daemon.start();
        });
  }
}
