package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.backstore.device.Handling;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ResizableDisk;
import dev.obd.backstore.device.ScriptedDisk;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Devices that others and we make, in a kernel that has TCMU. */
@InGuest(memory = 3072, limitSeconds = 600)
@Timeout(120)
class TcmuHandlerTest {
  private static final int MIB = 1 << 20;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String CORE = "/sys/kernel/config/target/core";

  private final DisksByConfig source = new DisksByConfig();
  private Handling handling;

  @BeforeEach
  void start() throws Exception {
    handling = new TcmuHandler().start(source);
  }

  @AfterEach
  void clean() throws Exception {
    for (HandledDevice device : handling.devices()) {
      if (Files.isDirectory(Path.of(CORE, "user_" + OwnDevices.HBA, device.name()))) {
        handling.remove(device.name(), true);
      }
    }
    handling.close();
    assertThat(Sh.devicesLeft()).isEmpty();
  }

  private static byte[] random(int bytes) {
    byte[] content = new byte[bytes];
    new Random(bytes).nextBytes(content);
    return content;
  }

  private static String node(HandledDevice device) {
    return device.node().orElseThrow().toString();
  }

  private HandledDevice find(String name) {
    return handling.devices().stream().filter(d -> d.name().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void aDeviceMadeByTheSnapshottersStepsIsServedAndItsRemovalHeardOf() throws Exception {
    byte[] content = random(4 * MIB);
    source.put("/etc/c.json;id7", () -> MemoryDisk.readOnly(content));
    String device = CORE + "/user_999999999/dev_7";
    String loop = "/sys/kernel/config/target/loopback/naa.1990000000000007";
    Sh.ok(
        "set -e; mkdir -p -m 0700 "
            + device
            + "\nprintf 'dev_config=lab//etc/c.json;id7' >"
            + device
            + "/control\nprintf max_data_area_mb=4 >"
            + device
            + "/control\nprintf 1 >"
            + device
            + "/enable\nprintf 2147483 >"
            + device
            + "/attrib/cmd_time_out\nmkdir -p "
            + loop
            + "/tpgt_1/lun/lun_0\nprintf naa.1990000000000007 >"
            + loop
            + "/tpgt_1/nexus\nln -s "
            + device
            + " "
            + loop
            + "/tpgt_1/lun/lun_0/dev_7");
    String node = Await.until(() -> find("dev_7").node(), n -> n.isPresent()).get().toString();
    assertThat(Sh.readDisk(node)).isEqualTo(content);
    assertThat(Sh.ok("blockdev --getro " + node).strip()).isEqualTo("1");
    HandledDevice served = find("dev_7");
    assertThat(served.config()).isEqualTo("lab//etc/c.json;id7");
    assertThat(served.state()).isInstanceOf(State.Serving.class);
    Sh.ok(
        "set -e; rm "
            + loop
            + "/tpgt_1/lun/lun_0/dev_7; rmdir "
            + loop
            + "/tpgt_1/lun/lun_0 "
            + loop
            + "/tpgt_1 "
            + loop
            + " "
            + device
            + " "
            + CORE
            + "/user_999999999");
    assertThat(handling.devices()).isEmpty();
    assertThat(source.removed()).containsExactly("lab//etc/c.json;id7");
  }

  @Test
  void aDeviceWhoseImageDoesNotOpenIsNotMadeAndTheReasonIsTold() {
    source.put(
        "bad",
        () -> {
          throw new IOException("blob is not there");
        });
    assertThatThrownBy(() -> handling.create("bad", "lab/bad"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("blob is not there");
    assertThatThrownBy(() -> handling.create("other", "foreign/x"))
        .hasMessageContaining("nobody serves");
    assertThatThrownBy(() -> handling.create("a/b", "lab/x")).hasMessageContaining("letters");
    assertThatThrownBy(() -> handling.create("comma", "lab/a,b")).hasMessageContaining("comma");
    assertThat(handling.devices()).isEmpty();
  }

  @Test
  void devicesOfOtherHandlersAreLeftAlone() throws Exception {
    String device = CORE + "/user_5/foreign";
    // Nobody would answer for it, so it says that it does not wait for an answer.
    Sh.ok(
        "set -e; mkdir -p "
            + device
            + "; printf dev_config=file/x,nl_reply_supported=-1 >"
            + device
            + "/control; printf 1 >"
            + device
            + "/enable");
    assertThat(handling.devices()).isEmpty();
    Sh.ok("rmdir " + device + " " + CORE + "/user_5");
  }

  @Test
  void aDiskThatIsUsedIsNotTakenAwayUnlessByForce() throws Exception {
    source.put("rw", () -> MemoryDisk.writable(32L * MIB));
    HandledDevice device = handling.create("rw", "lab/rw");
    Sh.ok(
        "mkfs.ext4 -q "
            + node(device)
            + " && mkdir -p /run/tmp/m && mount "
            + node(device)
            + " /run/tmp/m");
    assertThatThrownBy(() -> handling.remove("rw", false))
        .isInstanceOf(BusyException.class)
        .hasMessageContaining("mounted at /run/tmp/m");
    Sh.ok("echo hello >/run/tmp/m/f; sync; umount /run/tmp/m; e2fsck -fn " + node(device));
    handling.remove("rw", false);
    assertThat(handling.devices()).isEmpty();
    assertThatThrownBy(() -> handling.remove("rw", false)).hasMessageContaining("no device rw");
  }

  @Test
  void theKernelLearnsOfANewSizeWhileTheDiskIsInUse() throws Exception {
    var disk = new ResizableDisk(MemoryDisk.writable(16L * MIB), 4 * MIB);
    source.put("grows", () -> disk);
    String node = node(handling.create("grows", "lab/grows"));
    assertThat(Sh.ok("blockdev --getsize64 " + node).strip()).isEqualTo("" + 4 * MIB);
    try (var open = new RandomAccessFile(node, "r")) {
      disk.resize(16 * MIB);
      assertThat(handling.resized("grows")).isEmpty();
      assertThat(open.length()).isEqualTo(16 * MIB);
    }
    assertThat(Sh.ok("blockdev --getsize64 " + node).strip()).isEqualTo("" + 16 * MIB);
    // Others may not change it.
    assertThat(
            Sh.run("printf 1048576 >" + CORE + "/user_" + OwnDevices.HBA + "/grows/attrib/dev_size")
                .exit())
        .isNotZero();
  }

  @Test
  void theNextHandlerGoesOnWhereThisOneLeftWithoutAnErrorForWhoeverReads() throws Exception {
    byte[] content = random(8 * MIB);
    source.put("kept", () -> MemoryDisk.readOnly(content));
    String node = node(handling.create("kept", "lab/kept"));
    var stop = new AtomicBoolean();
    var reads = new AtomicLong();
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      Future<?> reader =
          executor.submit(() -> {
            while (!stop.get()) {
              assertThat(Sh.readDisk(node)).isEqualTo(content);
              reads.incrementAndGet();
            }
            return null;
          });
      for (int i = 0; i < 3; i++) {
        long before = reads.get();
        Await.until(reads::get, r -> r > before);
        handling.close();
        assertThat(Path.of("/dev/uio0")).exists();
        handling = new TcmuHandler().start(source);
      }
      Await.until(() -> find("kept").state(), s -> s instanceof State.Serving);
      stop.set(true);
      reader.get(60, TimeUnit.SECONDS);
    }
    assertThat(source.removed()).isEmpty();
  }

  @Test
  void aDeviceLeftBehindWhoseImageDoesNotOpenWaitsAndIsServedOnceItDoes() throws Exception {
    byte[] content = random(MIB);
    source.put("parked", () -> MemoryDisk.readOnly(content));
    String node = node(handling.create("parked", "lab/parked"));
    handling.close();
    var there = new AtomicBoolean();
    source.put(
        "parked",
        () -> {
          if (!there.get()) {
            throw new IOException("registry is down");
          }
          return MemoryDisk.readOnly(content);
        });
    handling = new TcmuHandler().start(source);
    State.Parked parked =
        (State.Parked) Await.until(() -> find("parked").state(), s -> s instanceof State.Parked);
    assertThat(parked.reason()).isEqualTo("registry is down");
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      Future<byte[]> waiting = executor.submit(() -> Sh.readDisk(node));
      Await.until(() -> find("parked").state(), s -> s instanceof State.Parked p && p.tries() > 1);
      assertThat(waiting).isNotDone();
      there.set(true);
      assertThat(waiting.get(60, TimeUnit.SECONDS)).isEqualTo(content);
    }
    // And one that never opens can be removed at once.
    handling.close();
    there.set(false);
    handling = new TcmuHandler().start(source);
    Await.until(() -> find("parked").state(), s -> s instanceof State.Parked);
    handling.remove("parked", false);
    assertThat(source.removed()).containsExactly("lab/parked");
  }

  @Test
  void whatADeadProcessLeftCanBeRemovedByOneThatKnowsNothingOfIt() throws Exception {
    source.put("stale", () -> MemoryDisk.writable(MIB));
    handling.create("stale", "lab/stale");
    handling.close(); // as if it had died: nobody serves the device
    handling = new TcmuHandler().start(new DisksByConfig());
    try (Handling other =
        new TcmuHandler()
            .start(
                new dev.obd.backstore.device.DeviceSource() {
                  @Override
                  public boolean claims(String subtype) {
                    return false;
                  }

                  @Override
                  public dev.obd.backstore.device.BlockDevice open(String config)
                      throws IOException {
                    throw new IOException("nothing");
                  }

                  @Override
                  public void prepare(dev.obd.backstore.device.BlockDevice device) {}

                  @Override
                  public void removed(String config) {}
                })) {
      other.remove("stale", false);
    }
    assertThat(Sh.devicesLeft()).isEmpty();
  }

  @Test
  void aRingThatIsCorruptedEndsItsDeviceAndNoOther() throws Exception {
    byte[] content = random(4 * MIB);
    source.put("good", () -> MemoryDisk.readOnly(content));
    source.put("broken", () -> MemoryDisk.readOnly(content));
    String good = node(handling.create("good", "lab/good"));
    String broken = node(handling.create("broken", "lab/broken"));
    assertThat(Sh.readDisk(broken)).isEqualTo(content);
    writeToRing(find("broken").address(), 12, new byte[] {4, 0, 0, 0}); // the head
    assertFailsInTime(broken);
    assertThat(find("broken").state())
        .isInstanceOfSatisfying(
            State.Ended.class, s -> assertThat(s.reason()).contains("head").contains("expected"));
    // Nobody waits for ever, and others are none the worse for it.
    assertThat(Sh.run("dd if=" + broken + " bs=4k count=1 iflag=direct of=/dev/null").exit())
        .isNotZero();
    assertThat(Sh.readDisk(good)).isEqualTo(content);
    // Neither do they if it happens again, nor if there is no ring to be served any more.
    writeToRing(find("broken").address(), 12, new byte[] {4, 0, 0, 0});
    assertFailsInTime(broken);
    writeToRing(find("broken").address(), 0, new byte[] {77, 0});
    writeToRing(find("broken").address(), 12, new byte[] {4, 0, 0, 0});
    assertFailsInTime(broken);
    assertFailsInTime(broken);
    assertThat(Sh.readDisk(good)).isEqualTo(content);
    handling.remove("broken", false);
    assertThat(Sh.readDisk(good)).isEqualTo(content);
  }

  private static void assertFailsInTime(String node) throws Exception {
    long start = System.nanoTime();
    assertThat(Sh.run("dd if=" + node + " bs=64k iflag=direct of=/dev/null").exit()).isNotZero();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(PATIENCE);
  }

  /** Changes the memory that this process shares with the kernel. */
  private static void writeToRing(String uio, long offset, byte[] bytes) throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/self/maps")).stream()
            .filter(l -> l.endsWith("/dev/" + uio))
            .findFirst()
            .orElseThrow();
    long address = Long.parseLong(line.substring(0, line.indexOf('-')), 16);
    try (var memory = new RandomAccessFile("/proc/self/mem", "rw")) {
      memory.seek(address + offset);
      memory.write(bytes);
    }
  }

  @Test
  void buffersOfReadsThatHungAreUsedAgainOnceTheDiskLetsGoOfThem() throws Exception {
    byte[] content = random(4 * MIB);
    var disk = new ScriptedDisk(MemoryDisk.readOnly(content));
    source.options =
        source.options.withReadPatience(Duration.ofMillis(50)).withHangGrace(Duration.ofMillis(50));
    source.put("hangs", () -> disk);
    String node = node(handling.create("hangs", "lab/hangs"));
    disk.play((_, _, _) -> pause(Duration.ofMillis(300)));
    // More than the data area holds, all in all.
    for (int i = 0; i < 80; i++) {
      assertThat(Sh.run("dd if=" + node + " bs=1M count=1 iflag=direct of=/dev/null").exit())
          .isNotZero();
    }
    disk.play((_, _, _) -> {});
    assertThat(Sh.readDisk(node)).isEqualTo(content);
  }

  private static void pause(Duration length) throws IOException {
    try {
      Thread.sleep(length);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void thirtyTwoReadersAndFioVerifyAtOnce() throws Exception {
    source.put("fio", () -> MemoryDisk.writable(64L * MIB));
    String node = node(handling.create("fio", "lab/fio"));
    Sh.ok(
        "fio --name=v --filename="
            + node
            + " --rw=randwrite --bsrange=512-128k --blockalign=512 --direct=1 --ioengine=libaio"
            + " --iodepth=16 --size=32m --verify=crc32c --do_verify=1 --output-format=terse"
            + " >/dev/null");
    Sh.ok(
        "fio --name=r --filename="
            + node
            + " --rw=randread --bs=4k --direct=1 --ioengine=libaio --iodepth=1 --numjobs=32"
            + " --thread --size=32m --io_size=1m --output-format=terse >/dev/null");
    Sh.ok("blkdiscard " + node);
    assertThat(Sh.readDisk(node)).isEqualTo(new byte[64 * MIB]);
  }
}
