package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.ChangeGate;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class DiskChangesTest {
  private static final int SIZE = 64 << 10;

  static LongStream seeds() {
    return LongStream.of(1, 2, 3, new SplittableRandom().nextLong());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anyBytesCanBeWrittenAndZeroedAndTheOthersStay(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] model = new byte[SIZE];
    random.nextBytes(model);
    try (var device =
        new BlockDevice("d", MemoryDisk.writable(model.clone()), DeviceOptions.DEFAULTS)) {
      var changes = new DiskChanges(calls(device), new ChangeGate());
      for (int i = 0; i < 300; i++) {
        int offset = random.nextInt(SIZE);
        int length = random.nextInt(Math.min(SIZE - offset, 3000)) + 1;
        if (random.nextBoolean()) {
          byte[] data = new byte[length];
          random.nextBytes(data);
          assertThat(changes.write(offset, ByteBuffer.wrap(data))).isEqualTo(Status.OK);
          System.arraycopy(data, 0, model, offset, length);
        } else {
          assertThat(changes.zero(offset, length)).isEqualTo(Status.OK);
          Arrays.fill(model, offset, offset + length, (byte) 0);
        }
      }
      assertThat(content(device)).isEqualTo(model);
    }
  }

  @Test
  void manyWritersOfOneSectorDoNotUndoEachOther() throws Exception {
    try (var device = new BlockDevice("d", MemoryDisk.writable(4096), DeviceOptions.DEFAULTS)) {
      var changes = new DiskChanges(calls(device), new ChangeGate());
      var all = new CompletableFuture<?>[64];
      for (int i = 0; i < all.length; i++) {
        byte[] mine = {(byte) (i + 1), (byte) (i + 1)};
        int offset = 256 + 2 * i - 64; // neighbours in two sectors
        all[i] =
            CompletableFuture.runAsync(
                () -> {
                  for (int n = 0; n < 20; n++) {
                    assertThat(changes.write(offset, ByteBuffer.wrap(mine))).isEqualTo(Status.OK);
                  }
                },
                task -> Thread.ofVirtual().start(task));
      }
      CompletableFuture.allOf(all).join();
      byte[] content = content(device);
      for (int i = 0; i < all.length; i++) {
        assertThat(content[256 + 2 * i - 64 + 1]).isEqualTo((byte) (i + 1));
      }
    }
  }

  @Test
  void whoWantsToBeAloneIsNotOvertakenForEver() throws Exception {
    var gate = new ChangeGate();
    gate.enter();
    Thread alone = Thread.ofVirtual().start(gate::enterAlone);
    while (alone.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertThat(gate.tryEnter()).isFalse();
    gate.leave();
    alone.join();
    assertThat(gate.tryEnter()).isFalse();
    gate.leaveAlone();
    assertThat(gate.tryEnter()).isTrue();
  }

  static DeviceCalls calls(BlockDevice device) {
    return new DeviceCalls(device, task -> Thread.ofPlatform().daemon().start(task));
  }

  private static byte[] content(BlockDevice device) {
    ByteBuffer all = ByteBuffer.allocate((int) device.size());
    assertThat(device.serve(new Request.Read(0, all))).isEqualTo(Status.OK);
    return all.array();
  }
}
