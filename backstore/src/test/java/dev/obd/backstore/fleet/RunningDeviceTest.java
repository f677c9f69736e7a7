package dev.obd.backstore.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.Mounter.Mounted;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableOptions;
import dev.obd.testdata.Contents;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Recordings, snapshots and new sizes, while a device is served. */
class RunningDeviceTest {
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

  private JsonObject upper(String name) throws IOException {
    JsonObject upper = new JsonObject();
    Path data = dir.resolve(name + ".data");
    Path index = dir.resolve(name + ".index");
    WritableLayer.create(data, index, WritableOptions.ofSize(0)).close();
    upper.addProperty("data", data.toString());
    upper.addProperty("index", index.toString());
    return upper;
  }

  private BlockDevice open(String name, Path config, String devId) throws Exception {
    HandledDevice made = machine.kernel.current().create(name, "overlaybd/" + config + ";" + devId);
    return ((HandledDevice.State.Serving) made.state()).device();
  }

  private static void write(BlockDevice device, long at, long seed, int length) {
    ByteBuffer data = ByteBuffer.wrap(Contents.of("rand", seed, length));
    assertThat(device.serve(new Request.Write(at, data, true))).isEqualTo(Status.OK);
  }

  private static byte[] read(BlockDevice device, long at, int length) {
    var buffer = ByteBuffer.allocate(length);
    assertThat(device.serve(new Request.Read(at, buffer))).isEqualTo(Status.OK);
    return buffer.array();
  }

  @Test
  void aRecordingHoldsWhatWasReadWhileItWasOn() throws Exception {
    Fleet fleet = process.fleet;
    fleet.attach(AttachRequest.of(layer.toString()).named("a").via(Door.NBD));
    BlockDevice device = machine.nbd.exported.values().iterator().next();
    read(device, 0, 4096);
    fleet.startRecording("a", TraceFile.MAX_RECORDS);
    assertThatThrownBy(() -> fleet.startRecording("a", 10))
        .isInstanceOf(FleetException.class)
        .hasMessageContaining("under way already");
    read(device, 1 << 20, 8192);
    assertThat(
            fleet
                .device("a")
                .orElseThrow()
                .live()
                .orElseThrow()
                .recording()
                .orElseThrow()
                .records())
        .isEqualTo(1);
    Recorded recorded = fleet.stopRecording("a");
    read(device, 2 << 20, 4096);
    assertThat(recorded.trace().bytes()).isEqualTo(8192);
    assertThat(recorded.dropped()).isZero();
    assertThat(recorded.source()).isEqualTo(layer.toString());
    assertThatThrownBy(() -> fleet.stopRecording("a")).isInstanceOf(FleetException.class);
    fleet.startRecording("a", 1);
    read(device, 0, 4096);
    read(device, 8192, 4096);
    assertThat(fleet.stopRecording("a").dropped()).isEqualTo(1);
  }

  @Test
  void aRecordingIntoAFileIsNotDisturbed() throws Exception {
    JsonObject config = machine.config(FleetMachine.local(layer));
    Path trace = Files.createFile(dir.resolve("trace"));
    config.addProperty("recordTracePath", trace.toString());
    Path file = machine.write("device", config);
    BlockDevice device = open("d", file, "");
    assertThatThrownBy(() -> process.fleet.startRecording(file.toString(), 10))
        .isInstanceOf(FleetException.class);
    read(device, 0, 4096);
    machine.kernel.current().remove("d", false);
    assertThat(TraceFile.read(trace).bytes()).isGreaterThanOrEqualTo(4096);
  }

  @Test
  void aSnapshotSealsTheLayerAndGoesOnAboveIt() throws Exception {
    JsonObject config = machine.config(FleetMachine.local(layer));
    JsonObject first = upper("one");
    config.add("upper", first);
    Path file = machine.write("device", config);
    BlockDevice device = open("d", file, "id 1");
    write(device, 0, 5, 8192);
    JsonObject sealed = new JsonObject();
    sealed.addProperty("file", first.get("data").getAsString());
    JsonObject next = machine.config(FleetMachine.local(layer), sealed);
    next.add("upper", upper("two"));
    Path newFile = machine.write("next", next);

    assertThat(process.fleet.snapshot("id 1", newFile.toString()))
        .isEqualTo(new SnapshotOutcome.Created());
    assertThat(newFile).doesNotExist();
    assertThat(file).hasContent(next.toString());
    assertThat(read(device, 0, 8192)).isEqualTo(Contents.of("rand", 5, 8192));
    write(device, 4096, 6, 4096);
    byte[] expected = Contents.of("rand", 5, 8192);
    System.arraycopy(Contents.of("rand", 6, 4096), 0, expected, 4096, 4096);
    assertThat(read(device, 0, 8192)).isEqualTo(expected);
    process.close();
    process = machine.boot();
    BlockDevice again =
        ((HandledDevice.State.Serving) machine.kernel.current().devices().get(0).state()).device();
    assertThat(read(again, 0, 8192)).as("from the new configuration").isEqualTo(expected);
    assertThat(read(again, 8192, 4096))
        .isEqualTo(
            Arrays.copyOfRange(Contents.of("rand", 1, FleetMachine.DISK_BYTES), 8192, 12288));
  }

  @Test
  void aSnapshotThatCannotBeMadeChangesNothing() throws Exception {
    Fleet fleet = process.fleet;
    JsonObject config = machine.config(FleetMachine.local(layer));
    JsonObject first = upper("one");
    config.add("upper", first);
    Path file = machine.write("device", config);
    BlockDevice device = open("d", file, "id");
    assertThat(fleet.snapshot("", "x").code()).isEqualTo(400);
    assertThat(fleet.snapshot("id", "").code()).isEqualTo(400);
    assertThat(fleet.snapshot("other", "x").code()).isEqualTo(404);
    assertThat(fleet.snapshot(file.toString(), "x").code()).isEqualTo(404);
    assertThat(fleet.snapshot("id", dir.resolve("none").toString()).code()).isEqualTo(500);
    Path noUpper = machine.write("a", machine.config(FleetMachine.local(layer)));
    assertThat(fleet.snapshot("id", noUpper.toString()))
        .isInstanceOfSatisfying(
            SnapshotOutcome.Failed.class, f -> assertThat(f.reason()).contains("upper"));
    JsonObject same = machine.config(FleetMachine.local(layer));
    JsonObject half = upper("two");
    half.addProperty("index", first.get("index").getAsString());
    same.add("upper", half);
    assertThat(fleet.snapshot("id", machine.write("b", same).toString()))
        .isInstanceOfSatisfying(
            SnapshotOutcome.Failed.class, f -> assertThat(f.reason()).contains("in use already"));
    assertThat(file).hasContent(config.toString());
    write(device, 0, 7, 4096);
    assertThat(read(device, 0, 4096)).isEqualTo(Contents.of("rand", 7, 4096));
  }

  @Test
  void aWritableDeviceGrowsAndItsUsersAreTold() throws Exception {
    Fleet fleet = process.fleet;
    AttachRequest request =
        AttachRequest.of(layer.toString()).named("w").writable(Optional.empty());
    fleet.attach(request);
    BlockDevice device =
        ((HandledDevice.State.Serving) machine.kernel.current().devices().get(0).state()).device();
    long bigger = FleetMachine.DISK_BYTES + (1 << 20);
    assertThat(fleet.resize("w", bigger, false)).isEqualTo(new Resized(bigger, Optional.empty()));
    assertThat(machine.kernel.toldSizes).containsEntry("w", bigger);
    assertThat(device.size()).isEqualTo(bigger);
    assertThat(read(device, FleetMachine.DISK_BYTES, 4096)).containsOnly(0);
    write(device, bigger - 4096, 3, 4096);

    long smaller = FleetMachine.DISK_BYTES / 2;
    assertThatThrownBy(() -> fleet.resize("w", smaller, false))
        .isInstanceOf(IllegalArgumentException.class);
    machine.mounter.table.add(new Mounted(dir, "ext4", "/dev/test-w"));
    assertThatThrownBy(() -> fleet.resize("w", smaller, true)).isInstanceOf(BusyException.class);
    machine.mounter.table.clear();
    assertThat(fleet.resize("w", smaller, true).sizeBytes()).isEqualTo(smaller);
    var buffer = ByteBuffer.allocate(4096);
    assertThat(device.serve(new Request.Read(smaller, buffer))).isEqualTo(Status.OUT_OF_RANGE);
    fleet.resize("w", bigger, false);
    assertThat(read(device, bigger - 4096, 4096)).as("cut off is gone").containsOnly(0);
    assertThat(read(device, smaller, 4096)).containsOnly(0);
    for (long wrong : new long[] {0, -512, 513}) {
      assertThatThrownBy(() -> fleet.resize("w", wrong, true))
          .isInstanceOf(IllegalArgumentException.class);
    }
    process.close();
    process = machine.boot();
    assertThat(process.fleet.device("w").orElseThrow().live().orElseThrow().sizeBytes())
        .isEqualTo(bigger);
  }

  @Test
  void whyReadsDoNotGetOnIsInTheStatus() throws Exception {
    Path config = machine.write("device", machine.config(machine.remote(layer)));
    BlockDevice device = open("d", config, "");
    assertThat(live(config).stall()).isEmpty();
    machine.registry.down();
    var buffer = ByteBuffer.allocate(1 << 20);
    assertThat(device.serve(new Request.Read(2 << 20, buffer)))
        .isIn(Status.IO_ERROR, Status.TIMED_OUT);
    assertThat(live(config).stall().orElseThrow().origin()).isEqualTo(machine.registry.host());
    assertThat(live(config).stall().orElseThrow().reason()).isNotBlank();
    assertThat(live(config).remote().failures()).isPositive();
  }

  private DeviceStatus.Live live(Path config) {
    return process.fleet.device(config.toString()).orElseThrow().live().orElseThrow();
  }

  @Test
  void aReadOnlyDeviceKeepsItsSize() throws Exception {
    process.fleet.attach(AttachRequest.of(layer.toString()).named("r"));
    assertThatThrownBy(() -> process.fleet.resize("r", 1 << 30, false))
        .isInstanceOf(FleetException.class)
        .hasMessageContaining("read-only");
    assertThatThrownBy(() -> process.fleet.resize("none", 1 << 30, false))
        .isInstanceOf(FleetException.class);
  }
}
