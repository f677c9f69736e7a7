package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Clients that others wrote: libnbd's tools, qemu's and fio. */
@ExtendWith(NoLeaks.class)
@Timeout(180)
class NbdPeersTest {
  private static final int SIZE = 24 << 20;

  private enum Net {
    UNIX,
    TCP
  }

  @TempDir private Path directory;

  private NbdServer serve(Net net, Disk disk) throws Exception {
    NbdServer.Builder builder =
        NbdServer.builder().export("disk", new BlockDevice("disk", disk, DeviceOptions.DEFAULTS));
    return switch (net) {
      case UNIX -> builder.unix(directory.resolve("nbd.sock")).start();
      case TCP -> builder.tcp(new InetSocketAddress("127.0.0.1", 0)).start();
    };
  }

  /** Data with two long holes and some short runs of zeros. */
  private static byte[] content() {
    byte[] bytes = new byte[SIZE];
    new SplittableRandom(4).nextBytes(bytes);
    Arrays.fill(bytes, 4 << 20, 9 << 20, (byte) 0);
    Arrays.fill(bytes, 20 << 20, SIZE, (byte) 0);
    Arrays.fill(bytes, 1 << 20, (1 << 20) + 8192, (byte) 0);
    return bytes;
  }

  private static byte[] contentOf(Disk disk) throws Exception {
    var all = ByteBuffer.allocate((int) disk.size());
    disk.read(0, all);
    return all.array();
  }

  @ParameterizedTest
  @EnumSource
  void nbdinfoListsExportsWithTheirPropertiesAndContexts(Net net) throws Exception {
    Tools.requireOnPath("nbdinfo");
    try (NbdServer server = serve(net, MemoryDisk.readOnly(content()))) {
      server.add(
          "other, with ümlaut & space",
          new BlockDevice("other", MemoryDisk.writable(1 << 20), DeviceOptions.DEFAULTS));
      JsonArray exports =
          JsonParser.parseString(
                  Processes.run("nbdinfo", "--list", "--json", server.uri("")).text())
              .getAsJsonObject()
              .getAsJsonArray("exports");
      assertThat(exports).hasSize(2);
      JsonObject disk = exports.get(0).getAsJsonObject();
      assertThat(disk.get("export-name").getAsString()).isEqualTo("disk");
      assertThat(disk.get("export-size").getAsLong()).isEqualTo(SIZE);
      assertThat(disk.get("is_read_only").getAsBoolean()).isTrue();
      assertThat(disk.get("can_multi_conn").getAsBoolean()).isTrue();
      assertThat(disk.get("can_cache").getAsBoolean()).isTrue();
      assertThat(disk.get("can_df").getAsBoolean()).isTrue();
      assertThat(disk.getAsJsonArray("contexts").get(0).getAsString()).isEqualTo("base:allocation");
      assertThat(disk.get("block_size_minimum").getAsInt()).isEqualTo(1);
      JsonObject other = exports.get(1).getAsJsonObject();
      assertThat(other.get("export-name").getAsString()).isEqualTo("other, with ümlaut & space");
      assertThat(other.get("is_read_only").getAsBoolean()).isFalse();
      for (String can : List.of("flush", "fua", "trim", "zero", "fast_zero")) {
        assertThat(other.get("can_" + can).getAsBoolean()).as(can).isTrue();
      }
      assertThat(other.get("block_size_minimum").getAsInt()).isEqualTo(512);
      String size =
          Processes.run("nbdinfo", "--size", server.uri("other, with ümlaut & space")).text();
      assertThat(size.strip()).isEqualTo("1048576");
    }
  }

  @ParameterizedTest
  @EnumSource
  void nbdinfoMapsDataAndHoles(Net net) throws Exception {
    Tools.requireOnPath("nbdinfo");
    try (NbdServer server = serve(net, MemoryDisk.readOnly(content()))) {
      JsonArray map =
          JsonParser.parseString(
                  Processes.run("nbdinfo", "--map", "--json", server.uri("disk")).text())
              .getAsJsonArray();
      var rows = new ArrayList<String>();
      for (JsonElement row : map) {
        JsonObject o = row.getAsJsonObject();
        rows.add(
            (o.get("offset").getAsLong() >> 20)
                + "+"
                + (o.get("length").getAsLong() >> 20)
                + " "
                + o.get("description").getAsString());
      }
      assertThat(rows).containsExactly("0+4 data", "4+5 hole,zero", "9+11 data", "20+4 hole,zero");
    }
  }

  @ParameterizedTest
  @EnumSource
  void nbdcopyDownloadsWithManyConnections(Net net) throws Exception {
    Tools.requireOnPath("nbdcopy");
    Path file = directory.resolve("copy");
    try (NbdServer server = serve(net, MemoryDisk.readOnly(content()))) {
      Processes.run(
          "nbdcopy", "--connections=4", "--requests=64", server.uri("disk"), file.toString());
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content());
  }

  @ParameterizedTest
  @EnumSource
  void nbdcopyUploadsWithManyConnections(Net net) throws Exception {
    Tools.requireOnPath("nbdcopy");
    Path file = Files.write(directory.resolve("original"), content());
    var disk = MemoryDisk.writable(SIZE);
    try (NbdServer server = serve(net, disk)) {
      Processes.run(
          "nbdcopy",
          "--flush",
          "--connections=4",
          "--requests=64",
          file.toString(),
          server.uri("disk"));
    }
    assertThat(contentOf(disk)).isEqualTo(content());
    assertThat(disk.flushes()).isPositive();
  }

  @ParameterizedTest
  @EnumSource
  void qemuImgLooksConvertsAndCompares(Net net) throws Exception {
    Tools.requireOnPath("qemu-img");
    Path original = Files.write(directory.resolve("original"), content());
    Path copy = directory.resolve("copy");
    var disk = MemoryDisk.writable(SIZE);
    try (NbdServer server = serve(net, disk)) {
      String uri = server.uri("disk");
      JsonObject info =
          JsonParser.parseString(
                  Processes.run("qemu-img", "info", "--output=json", "-f", "raw", uri).text())
              .getAsJsonObject();
      assertThat(info.get("virtual-size").getAsLong()).isEqualTo(SIZE);
      Processes.run(
          "qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", original.toString(), uri);
      Processes.run("qemu-img", "compare", "-f", "raw", "-F", "raw", original.toString(), uri);
      Processes.run("qemu-img", "convert", "-f", "raw", "-O", "raw", uri, copy.toString());
    }
    assertThat(Files.readAllBytes(copy)).isEqualTo(content());
    assertThat(contentOf(disk)).isEqualTo(content());
  }

  @ParameterizedTest
  @EnumSource
  void qemuImgBenchReadsAndWrites(Net net) throws Exception {
    Tools.requireOnPath("qemu-img");
    try (NbdServer server = serve(net, MemoryDisk.writable(content()))) {
      for (String mode : new String[] {"-n", "-w"}) {
        Processes.run(
            "qemu-img", "bench", mode, "-f", "raw", "-c", "3000", "-d", "32", server.uri("disk"));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void fioFindsEverythingItWrote(Net net) throws Exception {
    Tools.requireOnPath("fio");
    try (NbdServer server = serve(net, MemoryDisk.writable(SIZE))) {
      String uri = server.uri("disk");
      fio(uri, "--bs=4k", "--iodepth=1", "--size=2m", "--rw=randwrite");
      fio(uri, "--bs=512-64k", "--iodepth=16", "--size=8m", "--rw=randrw", "--fsync=50");
      fio(
          uri,
          "--bs=4k-128k",
          "--iodepth=16",
          "--numjobs=4",
          "--size=6m",
          "--offset_increment=6m",
          "--rw=randwrite");
    }
  }

  private void fio(String uri, String... options) throws Exception {
    var command =
        new ArrayList<>(
            List.of(
                "fio",
                "--name=verify",
                "--ioengine=nbd",
                "--uri=" + uri,
                "--verify=crc32c",
                "--verify_fatal=1",
                "--do_verify=1",
                "--group_reporting",
                "--output-format=json"));
    command.addAll(List.of(options));
    JsonObject report =
        JsonParser.parseString(
                jsonOf(
                    Processes.run(java.time.Duration.ofMinutes(2), directory, command)
                        .expectSuccess()
                        .text()))
            .getAsJsonObject();
    for (JsonElement job : report.getAsJsonArray("jobs")) {
      assertThat(job.getAsJsonObject().get("error").getAsInt()).isZero();
      assertThat(job.getAsJsonObject().getAsJsonObject("read").get("io_bytes").getAsLong())
          .isPositive(); // it did verify
    }
  }

  /** Without the remarks that fio prints around it. */
  private static String jsonOf(String output) {
    return output.substring(output.indexOf('{'), output.lastIndexOf('}') + 1);
  }
}
