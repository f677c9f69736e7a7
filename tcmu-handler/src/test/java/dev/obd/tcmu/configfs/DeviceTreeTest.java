package dev.obd.tcmu.configfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.Ticker;
import dev.obd.nativeio.ErrnoException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceTreeTest {
  private static final DeviceName NAME = new DeviceName(7, "dev_1", "lab//etc/c.json");
  private static final NewDevice DEVICE =
      new NewDevice(NAME, "naa.50bd000000000001", "5e71a1", 64, 1, 2048);

  /** Time that passes by sleeping only. */
  private static final class Clock implements Ticker {
    long now;

    @Override
    public long nanos() {
      return now;
    }

    @Override
    public void sleep(long nanos) {
      now += nanos;
    }
  }

  @TempDir private Path root;
  private final Clock clock = new Clock();

  private static List<Path> left(FakeTree fake) throws IOException {
    try (Stream<Path> all = Files.walk(fake.paths.target())) {
      return all.filter(p -> p.toString().contains("user_") || p.toString().contains("naa."))
          .toList();
    }
  }

  @Test
  void aDeviceIsMadeInTheOrderTheKernelWantsAndRemovedInTheOpposite() throws Exception {
    var fake = new FakeTree(root);
    var tree = new DeviceTree(fake.paths, fake, clock);
    Lun lun = tree.create(DEVICE);
    String core = "sys/kernel/config/target/core/user_7/dev_1";
    String loop = "sys/kernel/config/target/loopback/naa.50bd000000000001";
    assertThat(fake.steps)
        .containsExactly(
            "mkdir sys/kernel/config/target/core/user_7",
            "mkdir " + core,
            "write dev_config=lab//etc/c.json to " + core + "/control",
            "write max_data_area_mb=64 to " + core + "/control",
            "write hw_max_sectors=2048 to " + core + "/control",
            "write cmd_ring_size_mb=1 to " + core + "/control",
            "write 5e71a1 to " + core + "/wwn/vpd_unit_serial",
            "write 1 to " + core + "/enable",
            "write 2147483 to " + core + "/attrib/cmd_time_out",
            "mkdir sys/kernel/config/target/loopback",
            "mkdir " + loop,
            "mkdir " + loop + "/tpgt_1",
            "mkdir " + loop + "/tpgt_1/lun/lun_0",
            "write naa.50bd000000000001 to " + loop + "/tpgt_1/nexus",
            "link " + loop + "/tpgt_1/lun/lun_0/dev_1",
            "touch dev/sdq",
            "write 2147483 to sys/block/sdq/device/timeout");
    assertThat(lun.node()).contains(fake.paths.dev().resolve("sdq"));
    assertThat(tree.find(NAME)).contains(lun);
    fake.steps.clear();
    assertThat(tree.remove(NAME)).isTrue();
    assertThat(fake.steps)
        .containsExactly(
            "unlink " + loop + "/tpgt_1/lun/lun_0/dev_1",
            "rmdir " + loop + "/tpgt_1/lun/lun_0",
            "rmdir " + loop + "/tpgt_1",
            "rmdir " + loop,
            "rmdir " + core,
            "rmdir sys/kernel/config/target/core/user_7");
    assertThat(left(fake)).isEmpty();
    assertThat(tree.remove(NAME)).isFalse();
  }

  @Test
  void whicheverStepFailsNothingIsLeftAndTheStepIsNamed() throws Exception {
    var good = new FakeTree(Files.createDirectory(root.resolve("good")));
    new DeviceTree(good.paths, good, clock).create(DEVICE);
    List<String> whole = good.steps;
    for (int i = 0; i < whole.size(); i++) {
      var fake = new FakeTree(Files.createDirectory(root.resolve("fail" + i)));
      fake.failAt = i;
      if (whole.get(i).startsWith("touch")) {
        continue; // a disk that cannot be read is a disk
      }
      var tree = new DeviceTree(fake.paths, fake, clock);
      assertThatThrownBy(() -> tree.create(DEVICE))
          .as("step " + i)
          .isInstanceOf(ErrnoException.class)
          .hasMessageContaining("EIO");
      assertThat(left(fake)).as("step " + i).isEmpty();
    }
  }

  @Test
  void aHandlerThatIsStartingIsWaitedForButNotForEver() throws Exception {
    var fake = new FakeTree(root);
    var tree = new DeviceTree(fake.paths, fake, clock);
    fake.busyTimes = 99;
    tree.create(DEVICE);
    assertThat(clock.now).isEqualTo(99 * 50_000_000L);
    tree.remove(NAME);
    fake.busyTimes = 100;
    assertThatThrownBy(() -> tree.create(DEVICE)).hasMessageContaining("EAGAIN");
    assertThat(left(fake)).isEmpty();
  }

  @Test
  void aDeviceOfTheSameNameBehindAnotherAdapterIsNotMistakenForIt() throws Exception {
    var fake = new FakeTree(root);
    var tree = new DeviceTree(fake.paths, fake, clock);
    tree.create(DEVICE);
    assertThat(tree.find(new DeviceName(8, "dev_1", "lab/x"))).isEmpty();
  }

  @Test
  void namesAreWhatTheKernelSaysAndNothingElse() {
    assertThat(DeviceName.parse("tcm-user/7/dev_1/lab//etc/c.json\n")).contains(NAME);
    assertThat(NAME).hasToString("tcm-user/7/dev_1/lab//etc/c.json");
    assertThat(NAME.subtype()).isEqualTo("lab");
    assertThat(new DeviceName(1, "d", "bare").subtype()).isEqualTo("bare");
    for (String wrong :
        List.of(
            "",
            "tcm-user/7/dev_1",
            "other/7/d/c",
            "tcm-user/x/d/c",
            "tcm-user/99999999999/d/c",
            "tcm-user/4294967296/d/c",
            "tcm-user/7/../c",
            "tcm-user/7//c")) {
      assertThat(DeviceName.parse(wrong)).as(wrong).isEmpty();
    }
  }

  @Test
  void aConfigurationThatTheKernelWouldCutIsRefused() {
    for (String config : List.of("lab/a,b", "lab/a\nb", "lab/" + "x".repeat(252))) {
      assertThatThrownBy(
              () -> new NewDevice(new DeviceName(7, "d", config), "naa.1", "", 1, 1, 128))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
