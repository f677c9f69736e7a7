package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.DeviceState;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ScriptedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Commands as nobody should send them: each is answered once, and nothing else happens. */
final class ScsiHostileTest {
  private static final int DISK = 128 << 10;
  private static final int AREA = 64 << 10;
  private static final byte GUARD = (byte) 0xE7;
  private static final List<String> IDENTITIES = List.of("", "12ab", "x".repeat(1000));

  static LongStream seeds() {
    return LongStream.of(1, new SplittableRandom().nextLong());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void halfAMillionCommandsAreAnsweredOnceAndWriteOnlyIntoTheirBuffers(long seed)
      throws IOException {
    attack(seed, 500_000, Runnable::run, false);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void commandsAreAnsweredOnceByOtherThreadsWhileTheDiskFails(long seed) throws IOException {
    try (var threads = Executors.newCachedThreadPool()) {
      attack(seed, 20_000, threads, true);
    }
  }

  private static void attack(long seed, int commands, Executor workers, boolean failing)
      throws IOException {
    var random = new SplittableRandom(seed);
    var disk = new ScriptedDisk(MemoryDisk.writable(DISK));
    var calls = new AtomicInteger();
    disk.play((_, _, _) -> {
      if (failing && calls.incrementAndGet() % 8 == 0) {
        throw new IOException("as told");
      }
    });
    var identity = new Identity(() -> IDENTITIES.get(Math.floorMod(seed, 3)), "config");
    ByteBuffer area = ByteBuffer.allocateDirect(AREA);
    try (var tester = new ScsiTester(disk, DeviceOptions.DEFAULTS, identity, workers)) {
      for (int i = 0; i < commands; i++) {
        byte[] cdb = cdb(random);
        var guards = new ArrayList<Integer>();
        List<ByteBuffer> data = buffers(random, area, guards);
        Sense sense = tester.run(cdb, data).sense();
        assertThat(sense).as("a defect of ours").isNotEqualTo(Sense.INTERNAL_FAILURE);
        for (int guard : guards) {
          assertThat(area.get(guard)).as("command %s", i).isEqualTo(GUARD);
        }
      }
      assertThat(tester.device.state()).isInstanceOf(DeviceState.Serving.class);
      disk.play((_, _, _) -> {});
      tester.in("28000000000000000100", 512).isGood();
    }
  }

  private static byte[] cdb(SplittableRandom random) {
    Opcode known = Opcode.all().get(random.nextInt(Opcode.all().size()));
    int kind = random.nextInt(8);
    byte[] cdb = new byte[kind == 0 ? random.nextInt(261) : known.cdbLength()];
    random.nextBytes(cdb);
    if (kind >= 2) {
      cdb[0] = (byte) known.code();
    }
    if (kind >= 3) {
      for (int i = 2; i < cdb.length; i++) { // small numbers, which mean something
        cdb[i] = random.nextInt(4) == 0 ? (byte) random.nextInt(random.nextInt(1, 257)) : 0;
      }
      if (known.hasServiceAction()) {
        cdb[1] = (byte) known.serviceAction();
      } else if (random.nextBoolean()) {
        cdb[1] &= 0x1F;
      }
    }
    return cdb;
  }

  /** Buffers with a guard byte on either side; empty ones too. */
  private static List<ByteBuffer> buffers(
      SplittableRandom random, ByteBuffer area, List<Integer> guards) {
    var buffers = new ArrayList<ByteBuffer>();
    int most = random.nextInt(4) == 0 ? 12 : 2;
    int at = 0;
    for (int count = random.nextInt(most); count > 0; count--) {
      int bytes = size(random);
      area.put(at, GUARD);
      guards.add(at);
      ByteBuffer slice = area.slice(at + 1, bytes);
      if (bytes >= 12 && random.nextBoolean()) {
        slice.put(3, (byte) (bytes / 2)); // may pass as a length
      }
      buffers.add(
          random.nextBoolean() ? slice : area.duplicate().position(at + 1).limit(at + 1 + bytes));
      at += 1 + bytes;
    }
    area.put(at, GUARD);
    guards.add(at);
    return buffers;
  }

  private static int size(SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(64);
      case 1 -> 512 * random.nextInt(8);
      case 2 -> random.nextInt(5000);
      default -> 512;
    };
  }
}
