package dev.obd.tcmu.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A SCSI disk as an initiator that waits for each answer sees it. */
final class ScsiTester implements AutoCloseable {
  static final String SERIAL = "7c9f1a2b-3d4e-4f50-8162-738495a6b7c8";
  static final String CONFIG = "overlaybd//var/lib/x/config.v1.json;42";

  /** A thread for each task, as production has it. */
  static final Executor THREADS = task -> Thread.ofPlatform().daemon().start(task);

  final BlockDevice device;
  final ScsiDisk disk;

  ScsiTester(Disk disk) {
    this(disk, DeviceOptions.DEFAULTS);
  }

  ScsiTester(Disk disk, DeviceOptions options) {
    this(disk, options, new Identity(() -> SERIAL, CONFIG), THREADS);
  }

  ScsiTester(Disk disk, DeviceOptions options, Identity identity, Executor workers) {
    this.device = new BlockDevice("test", disk, options);
    this.disk = new ScsiDisk(device, identity, workers);
  }

  /** An answer, and what the data buffer holds then. */
  record Answer(ScsiResult result, byte[] data) {
    void isGood() {
      assertThat(result.sense()).isNull();
      assertThat(result.status()).isEqualTo(ScsiResult.GOOD);
    }

    /** The hexadecimal digits of what was transferred. */
    String hex() {
      isGood();
      return HexFormat.of().formatHex(data, 0, (int) result.transferred());
    }

    /** Key, code and qualifier: {@code 5/24/00}. */
    String sense() {
      Sense sense = result.sense();
      return sense == null
          ? "none, status " + result.status()
          : String.format("%x/%02x/%02x", sense.key(), sense.asc(), sense.ascq());
    }
  }

  static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits.replace(" ", ""));
  }

  /** Runs the command of {@code cdb} in hexadecimal digits with a data-in buffer. */
  Answer in(String cdb, int bytes) {
    return run(hex(cdb), new byte[bytes]);
  }

  Answer out(String cdb, byte... data) {
    return run(hex(cdb), data);
  }

  Answer run(byte[] cdb, byte[] data) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(data.length).put(data).flip();
    ScsiResult result = run(cdb, data.length == 0 ? List.of() : List.of(buffer.duplicate()));
    byte[] after = new byte[data.length];
    buffer.get(after);
    return new Answer(result, after);
  }

  ScsiResult run(byte[] cdb, List<ByteBuffer> data) {
    var end = new End();
    disk.submit(cdb, data, end);
    return end.await();
  }

  /** {@code data} cut into buffers of the sizes of {@code cuts}, the last one repeated. */
  static List<ByteBuffer> cut(ByteBuffer data, int... cuts) {
    var pieces = new ArrayList<ByteBuffer>();
    int at = data.position();
    for (int i = 0; at < data.limit(); i++) {
      int bytes = Math.min(cuts[Math.min(i, cuts.length - 1)], data.limit() - at);
      pieces.add(data.slice(at, bytes));
      at += bytes;
    }
    return pieces;
  }

  /** Hears one command's end and fails if it hears two. */
  static final class End implements CommandDone {
    private final CountDownLatch ended = new CountDownLatch(1);
    private final AtomicInteger times = new AtomicInteger();
    private volatile @Nullable ScsiResult result;

    @Override
    public void done(ScsiResult answer) {
      result = answer;
      times.incrementAndGet();
      ended.countDown();
    }

    ScsiResult await() {
      try {
        assertThat(ended.await(60, TimeUnit.SECONDS)).as("the command ends").isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      assertThat(times).hasValue(1);
      return java.util.Objects.requireNonNull(result);
    }

    boolean hasEnded() {
      return times.get() > 0;
    }
  }

  @Override
  public void close() throws IOException {
    device.close();
  }
}
