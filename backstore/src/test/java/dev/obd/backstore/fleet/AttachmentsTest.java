package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.Mounter.Mounted;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.backstore.fleet.DeviceStatus.State;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttachmentsTest {
  @TempDir private Path dir;
  private FleetMachine machine;
  private FleetMachine.Process process;
  private Path layer;

  @BeforeEach
  void boot() throws Exception {
    machine = new FleetMachine(dir);
    layer = machine.layer("layer.obd", 1);
    process = machine.boot();
  }

  @AfterEach
  void stop() throws IOException {
    process.close();
    machine.close();
  }

  private Fleet fleet() {
    return process.fleet;
  }

  private AttachRequest request() {
    return AttachRequest.of(layer.toString());
  }

  private void reboot() throws Exception {
    process.close();
    process = machine.boot();
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 2000 && !condition.getAsBoolean(); i++) {
      Thread.sleep(10);
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  private State state(String name) {
    return fleet().device(name).orElseThrow().state();
  }

  private List<Path> records() throws IOException {
    Path records = machine.home.state().resolve("attachments");
    try (Stream<Path> files = Files.exists(records) ? Files.list(records) : Stream.<Path>empty()) {
      return files.toList();
    }
  }

  private void assertNothingIsLeft() throws IOException {
    assertThat(fleet().devices()).isEmpty();
    assertThat(records()).isEmpty();
    assertThat(machine.kernel.kept).isEmpty();
    assertThat(machine.nbd.exported).isEmpty();
    assertThat(machine.fuse.exported).isEmpty();
    assertThat(machine.mounter.table).isEmpty();
  }

  @Test
  void theBestDoorIsTakenAndItsDeviceHasTheImage() throws Exception {
    DeviceStatus status = fleet().attach(request());
    assertThat(status.id()).isEqualTo("layer-obd");
    assertThat(status.state()).isEqualTo(new State.Serving());
    assertThat(status.node()).contains("/dev/test-layer-obd");
    assertThat(status.attachment().orElseThrow().door()).isEqualTo(Door.TCMU);
    DeviceStatus.Live live = status.live().orElseThrow();
    assertThat(live.sizeBytes()).isEqualTo(FleetMachine.DISK_BYTES);
    assertThat(live.writable()).isFalse();
    assertThat(live.layers()).hasSize(1).allMatch(l -> !l.remote());
    fleet().detach("/dev/test-layer-obd", false);
    assertNothingIsLeft();
  }

  @Test
  void withoutTheBestDoorTheNextIsTakenAndTheReasonIsKnown() throws Exception {
    process.close();
    machine.tcmu = false;
    process = machine.boot();
    DeviceStatus status = fleet().attach(request());
    assertThat(status.attachment().orElseThrow().door()).isEqualTo(Door.NBD);
    assertThat(fleet().doors().get(0).unavailableBecause()).isPresent();
    var buffer = ByteBuffer.allocate(FleetMachine.DISK_BYTES);
    var device = machine.nbd.exported.values().iterator().next();
    assertThat(device.serve(new Request.Read(0, buffer))).isEqualTo(Status.OK);
    assertThat(buffer.array()).isEqualTo(Contents.of("rand", 1, FleetMachine.DISK_BYTES));
    machine.nbd.missing = Optional.of("there is no module");
    DeviceStatus second = fleet().attach(request());
    assertThat(second.id()).isEqualTo("layer-obd-2");
    assertThat(second.attachment().orElseThrow().door()).isEqualTo(Door.FUSE);
    machine.fuse.missing = Optional.of("nor is that one");
    assertThatThrownBy(() -> fleet().attach(request()))
        .hasMessageContaining("there is no module")
        .hasMessageContaining("nor is that one");
    assertThatThrownBy(() -> fleet().attach(request().via(Door.NBD)))
        .hasMessageContaining("nbd: there is no module");
  }

  @Test
  void whatFailsLeavesNothing() throws Exception {
    assertThatThrownBy(() -> fleet().attach(AttachRequest.of(dir.resolve("none").toString())))
        .hasMessageContaining("none");
    assertNothingIsLeft();
    machine.nbd.broken = true;
    assertThatThrownBy(() -> fleet().attach(request().via(Door.NBD)))
        .hasMessageContaining("broken");
    assertNothingIsLeft();
    machine.mounter.broken = true;
    Path mount = dir.resolve("mnt");
    for (Door door : List.of(Door.TCMU, Door.NBD)) {
      machine.nbd.broken = false;
      assertThatThrownBy(
              () -> fleet().attach(request().via(door).mountedAt(mount).withFsType("ext4")))
          .hasMessage("bad superblock");
      assertNothingIsLeft();
      assertThat(mount).doesNotExist();
    }
  }

  @Test
  void aDiskOfNoFileSystemIsNotMountedButByName() throws Exception {
    Path mount = dir.resolve("mnt");
    assertThatThrownBy(() -> fleet().attach(request().mountedAt(mount)))
        .hasMessageContaining("nothing to mount");
    assertNothingIsLeft();
    fleet().attach(request().mountedAt(mount).withFsType("xfs").named("x"));
    assertThat(machine.mounter.table).containsExactly(new Mounted(mount, "xfs", "/dev/test-x"));
    fleet().detach(mount.toString(), false);
    assertNothingIsLeft();
    assertThat(mount).doesNotExist();
  }

  @Test
  void namesAndMountPointsAreTakenOnce() throws Exception {
    fleet().attach(request().named("a").mountedAt(dir.resolve("m")).withFsType("ext4"));
    assertThatThrownBy(() -> fleet().attach(request().named("a")))
        .isInstanceOf(FleetException.class)
        .hasMessageContaining("a is attached already");
    assertThatThrownBy(() -> fleet().attach(request().mountedAt(dir.resolve("m"))))
        .isInstanceOf(FleetException.class)
        .hasMessageContaining("mount point of a");
    for (String name : List.of("", "../x", "a/b", "-a", "x".repeat(49))) {
      assertThatThrownBy(() -> fleet().attach(request().named(name)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> fleet().detach("b", false))
        .isInstanceOf(FleetException.class)
        .hasMessageContaining("nothing called 'b'");
  }

  @Test
  void aBusyDeviceStaysUnlessForced() throws Exception {
    Path mount = dir.resolve("m");
    fleet().attach(request().named("a").mountedAt(mount).withFsType("ext4"));
    machine.mounter.busy = true;
    assertThatThrownBy(() -> fleet().detach("a", false)).isInstanceOf(BusyException.class);
    machine.mounter.busy = false;
    machine.kernel.busy.add("a");
    assertThatThrownBy(() -> fleet().detach("a", false)).isInstanceOf(BusyException.class);
    assertThat(state("a")).isEqualTo(new State.Serving());
    assertThat(machine.mounter.table).as("mounted again").hasSize(1);
    machine.kernel.busy.clear();
    machine.mounter.table.add(new Mounted(dir.resolve("other"), "ext4", "/dev/test-a"));
    assertThatThrownBy(() -> fleet().detach("a", false))
        .isInstanceOf(BusyException.class)
        .hasMessageContaining("other");
    fleet().detach("a", true);
    assertNothingIsLeft();
    fleet().attach(request().named("n").via(Door.NBD));
    machine.nbd.busy = true;
    assertThatThrownBy(() -> fleet().detach("n", false)).isInstanceOf(BusyException.class);
    assertThat(state("n")).isEqualTo(new State.Serving());
    fleet().detach("n", true);
    assertNothingIsLeft();
  }

  @Test
  void whatTheKernelKeepsIsTakenOverByTheNextProcess() throws Exception {
    fleet().attach(request().named("t"));
    fleet().attach(request().named("n").via(Door.NBD));
    fleet().attach(request().named("f").via(Door.FUSE));
    reboot();
    await(() -> state("n").equals(new State.Serving()));
    assertThat(state("t")).isEqualTo(new State.Serving());
    assertThat(state("f")).isInstanceOf(State.Lost.class);
    assertThat(machine.nbd.exported).hasSize(1);
    assertThat(machine.nbd.asked.getFirst())
        .as("the kernel does not give up a device that waits")
        .hasToString("nbd-device:///?timeout=0");
    assertThat(fleet().clearStale().cleared()).singleElement().asString().contains("f");
    fleet().detach("t", false);
    fleet().detach("n", false);
    assertNothingIsLeft();
  }

  @Test
  void whatAKilledProcessLeavesIsTakenOverToo() throws Exception {
    fleet().attach(request().named("t"));
    fleet().attach(request().named("n").via(Door.NBD));
    fleet().attach(request().named("f").via(Door.FUSE));
    Files.delete(machine.home.state().resolve("lock")); // its lock ends with a process
    process.kill();
    process = machine.boot();
    await(() -> state("n").equals(new State.Serving()));
    assertThat(state("t")).isEqualTo(new State.Serving());
    await(() -> state("f") instanceof State.Lost);
    assertThat(machine.fuse.cleared).hasSize(1);
  }

  @Test
  void afterARestartOfTheMachineTheRecordsAreShownAsLostUntilTheyAreCleared() throws Exception {
    fleet().attach(request().named("t").mountedAt(dir.resolve("m")).withFsType("ext4"));
    fleet().attach(request().named("n").via(Door.NBD));
    process.close();
    machine.kernel.kept.clear();
    machine.nbd.kept.clear();
    machine.mounter.table.clear();
    process = machine.boot();
    await(() -> state("n") instanceof State.Lost);
    assertThat(state("t")).isInstanceOf(State.Lost.class);
    Files.writeString(machine.home.state().resolve("attachments/bad.json"), "{\"version\":9}");
    reboot();
    await(() -> state("n") instanceof State.Lost);
    assertThat(fleet().clearStale().cleared()).hasSize(3);
    assertNothingIsLeft();
    assertThat(dir.resolve("m")).doesNotExist();
  }

  @Test
  void clearingALostAttachmentLeavesTheDiskThatHasItsNodesNameNow() throws Exception {
    Path mount = dir.resolve("m");
    DeviceStatus status = fleet().attach(request().named("t").mountedAt(mount).withFsType("ext4"));
    String node = status.node().orElseThrow();
    process.close();
    machine.kernel.kept.clear(); // the machine is started anew
    machine.mounter.table.clear();
    process = machine.boot();
    assertThat(state("t")).isInstanceOf(State.Lost.class);
    var somebodyElses = new Mounted(dir.resolve("data"), "xfs", node);
    machine.mounter.table.add(somebodyElses);
    Files.delete(mount);
    Files.writeString(mount, "not a directory any more");
    assertThat(fleet().clearStale().cleared()).hasSize(1);
    assertThat(machine.mounter.table).containsExactly(somebodyElses);
    assertThat(mount).hasContent("not a directory any more");
    assertThat(records()).isEmpty();
  }

  @Test
  void whatCannotBeClearedIsToldAndTheRestIsCleared() throws Exception {
    for (String name : List.of("a", "b", "c")) {
      fleet().attach(request().named(name).mountedAt(dir.resolve(name)).withFsType("ext4"));
    }
    process.close();
    machine.kernel.kept.clear(); // the machine is started anew, but for the mounts
    process = machine.boot();
    machine.mounter.stuck.add(dir.resolve("a"));
    machine.mounter.stuck.add(dir.resolve("b"));
    Cleared cleared = fleet().clearStale();
    assertThat(cleared.cleared()).singleElement().asString().contains("attachment c");
    assertThat(cleared.failed())
        .hasSize(2)
        .anyMatch(text -> text.contains("attachment a") && text.contains("does not answer"))
        .anyMatch(text -> text.contains("attachment b"));
    machine.mounter.stuck.clear();
    assertThat(fleet().clearStale().cleared()).hasSize(2);
    assertNothingIsLeft();
  }

  @Test
  void whatWasRemovedByHandCanBeDetached() throws Exception {
    fleet().attach(request().named("t"));
    machine.kernel.current().remove("t", true);
    fleet().detach("t", false);
    assertNothingIsLeft();
  }

  @Test
  void anAttachmentWhoseImageIsAwayIsParkedAndComesBack() throws Exception {
    fleet().attach(request().named("n").via(Door.NBD));
    process.close();
    Path away = dir.resolve("away");
    Files.move(layer, away);
    process = machine.boot();
    await(() -> state("n") instanceof State.Parked);
    assertThat(fleet().device("n").orElseThrow().lastError().orElse("")).contains("layer.obd");
    Files.move(away, layer);
    await(() -> state("n").equals(new State.Serving()));
  }

  @Test
  void aDeviceWithoutARecordIsClearedFromTheKernel() throws Exception {
    fleet().attach(request().named("t"));
    String config = machine.kernel.kept.get("t");
    process.close();
    Files.delete(machine.home.state().resolve("attachments/t.json"));
    process = machine.boot();
    assertThat(machine.kernel.kept).containsEntry("t", config);
    assertThat(fleet().clearStale().cleared()).hasSize(1);
    assertNothingIsLeft();
  }

  @Test
  void oneHomeIsServedByOneProcess() {
    assertThatThrownBy(() -> machine.boot()).hasMessageContaining("another process");
  }

  @Test
  void aWritableAttachmentKeepsItsChangesInItsLayer() throws Exception {
    fleet().attach(request().named("w").via(Door.NBD).writable(Optional.empty()));
    var device = machine.nbd.exported.values().iterator().next();
    ByteBuffer data = ByteBuffer.wrap(Contents.of("rand", 9, 8192));
    assertThat(device.serve(new Request.Write(4096, data, true))).isEqualTo(Status.OK);
    reboot();
    await(() -> state("w").equals(new State.Serving()));
    var again = machine.nbd.exported.values().iterator().next();
    var buffer = ByteBuffer.allocate(8192);
    assertThat(again.serve(new Request.Read(4096, buffer))).isEqualTo(Status.OK);
    assertThat(buffer.array()).isEqualTo(Contents.of("rand", 9, 8192));
    assertThatThrownBy(() -> fleet().attach(request().named("v").writable(Optional.empty())))
        .as("one writer at a time")
        .isInstanceOf(IOException.class);
  }
}
