package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Disk;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.Op;
import dev.obd.backstore.device.ScriptedDisk;
import dev.obd.testdata.Tools;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The SCSI disk as Linux and sg3_utils see it. */
@InGuest
final class ScsiToolsTest {
  private static final int SIZE = 16 << 20;
  private static final int MISCOMPARE = 14; // exit codes of sg3_utils
  private static final int INVALID_OPCODE = 9;
  private static final int ILLEGAL_REQUEST = 5;
  private static final int OUT_OF_RANGE = 22;

  private static final MemoryDisk memory = MemoryDisk.writable(SIZE);
  private static final ConcurrentLinkedQueue<Op> changes = new ConcurrentLinkedQueue<>();
  private static final List<AutoCloseable> open = new ArrayList<>();
  private static String node = "";
  private static String readOnlyNode = "";

  @TempDir private Path scratch;

  /** How a program ended; both its outputs. */
  private record Result(int exit, String output) {
    String ok() {
      assertThat(exit).as(output).isZero();
      return output;
    }
  }

  @BeforeAll
  static void export() throws IOException, InterruptedException {
    var disk = new ScriptedDisk(memory);
    disk.play((op, _, _) -> {
      if (op != Op.READ) {
        changes.add(op);
      }
    });
    node = export(disk, "writable");
    readOnlyNode = export(MemoryDisk.readOnly(new byte[SIZE]), "readonly");
  }

  private static String export(Disk disk, String name) throws IOException, InterruptedException {
    var device = new BlockDevice(name, disk, DeviceOptions.DEFAULTS);
    open.add(device);
    Export export = new TcmuFrontend().export(device, URI.create("tcmu:///" + name));
    open.add(export);
    return export.address();
  }

  @AfterAll
  static void close() throws Exception {
    for (AutoCloseable resource : open.reversed()) {
      resource.close();
    }
  }

  @BeforeEach
  void toolsMustBeThere() {
    Tools.requireOnPath("sg_inq", "sg_opcodes");
  }

  private static Result run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), output);
  }

  /** Runs a line of words; DISK is the writable disk. */
  private static Result sg(String line) throws IOException, InterruptedException {
    return run(line.replace("DISK", node).split(" "));
  }

  private String file(int bytes, int value) throws IOException {
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) value);
    return Files.write(scratch.resolve(value + "." + bytes), content).toString();
  }

  private static byte[] stored(long lba, int blocks) throws IOException {
    ByteBuffer content = ByteBuffer.allocate(blocks * 512);
    memory.read(lba * 512, content);
    return content.array();
  }

  private static String sysfs(String disk, String name) throws IOException {
    return Files.readString(Path.of("/sys/block", disk.substring("/dev/".length()), name)).strip();
  }

  @Test
  void linuxFlushesADiskWithACacheAndDiscardsByUnmap() throws IOException {
    assertThat(sysfs(node, "queue/write_cache")).isEqualTo("write back");
    assertThat(sysfs(node, "queue/fua")).isEqualTo("1");
    assertThat(sysfs(node, "queue/discard_max_bytes")).isEqualTo("2147483648");
    assertThat(sysfs(node, "queue/write_zeroes_max_bytes")).isEqualTo("536870912");
    assertThat(sysfs(node, "size")).isEqualTo(String.valueOf(SIZE / 512));
    assertThat(sysfs(node, "ro")).isEqualTo("0");
    try (var modes =
        Files.newDirectoryStream(
            Path.of("/sys/block", node.substring("/dev/".length()), "device/scsi_disk"))) {
      Path mode = modes.iterator().next();
      assertThat(mode.resolve("provisioning_mode")).hasContent("unmap\n");
      assertThat(mode.resolve("zeroing_mode")).hasContent("writesame_16_unmap\n");
    }
  }

  @Test
  void linuxFindsAReadOnlyDiskThatNeedsNoFlushes() throws IOException, InterruptedException {
    assertThat(sysfs(readOnlyNode, "ro")).isEqualTo("1");
    assertThat(sysfs(readOnlyNode, "queue/write_cache")).isEqualTo("write through");
    String data = file(512, 1);
    Result write = sg("sg_raw -R -s 512 -i " + data + " " + readOnlyNode + " 2a 0 0 0 0 0 0 0 1 0");
    assertThat(write.output()).contains("Cannot write medium - incompatible format");
  }

  @Test
  void fsyncReachesTheDisk() throws IOException {
    long before = memory.flushes();
    try (var file = FileChannel.open(Path.of(node), StandardOpenOption.WRITE)) {
      ByteBuffer block = ByteBuffer.allocate(4096);
      Arrays.fill(block.array(), (byte) 0x3C);
      file.write(block, 4 << 20);
      file.force(true);
    }
    assertThat(stored((4 << 20) / 512, 8)).containsOnly(0x3C);
    assertThat(memory.flushes()).isGreaterThan(before);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "sg_inq DISK | version=0x05  [SPC-3]",
        "sg_inq DISK | Vendor identification: LIO-ORG",
        "sg_inq DISK | Product identification: TCMU device",
        "sg_vpd DISK | Logical block provisioning (SBC) [lbpv]",
        "sg_vpd -p sn DISK | Unit serial number:",
        "sg_vpd -p di DISK | vendor id: LIO-ORG",
        "sg_vpd -p di DISK | 0x6001405",
        "sg_vpd -p di DISK | vendor specific: obd-export/writable",
        "sg_vpd -p bl DISK | Maximum compare and write length: 1 blocks",
        "sg_vpd -p bl DISK | Maximum unmap LBA count: 4194304",
        "sg_vpd -p bl DISK | Maximum unmap block descriptor count: 256",
        "sg_vpd -p bl DISK | Maximum write same length: 0x100000 blocks",
        "sg_vpd -p bdc DISK | Medium rotation rate is not reported",
        "sg_vpd -p lbpv DISK | Unmap command supported (LBPU): 1",
        "sg_vpd -p lbpv DISK | Logical block provisioning read zeros (LBPRZ): 1",
        "sg_readcap DISK | Last LBA=32767 (0x7fff), Number of logical blocks=32768",
        "sg_readcap -l DISK | lbpme=1, lbprz=1",
        "sg_modes -a DISK | WP=0, DpoFua=1",
        "sg_modes -6 -a DISK | 08 12 04 00",
        "sg_modes -p 8 -c 1 DISK | 08 12 00 00",
        "sg_turs -v DISK | test unit ready cdb",
        "sg_requests DISK | Sense key: No Sense",
        "sg_luns DISK | 0000000000000000",
        "sg_start -v DISK 1 | 1b 00 00 00 01 00",
        "sg_start -v DISK 0 | 1b 00 00 00 00 00",
        "sg_sync -v DISK | synchronize cache(10)",
        "sg_prevent -v DISK | prevent allow medium removal",
        "sg_persist -i -k DISK | there are NO registered reservation keys",
        "sg_opcodes DISK | Compare and write",
        "sg_opcodes -o 0x9e,0x10 DISK | Command is supported",
        "sg_raw -r 1024 DISK 28 0 0 0 0 8 0 0 1 0 | Received 512 bytes of data",
        "sg_verify -v --lba=0 --count=64 DISK | without error",
      })
  void toolIsAnswered(String line, String output) throws IOException, InterruptedException {
    assertThat(sg(line).ok()).contains(output);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "sg_verify --16 --lba=32767 --count=2 DISK, " + OUT_OF_RANGE,
    "sg_raw -r 512 DISK 28 0 0 0 80 0 0 0 1 0, " + OUT_OF_RANGE,
    "sg_unmap --force --lba=40000 --num=4 DISK, " + OUT_OF_RANGE,
    "sg_start --eject DISK, " + ILLEGAL_REQUEST,
    "sg_raw -r 255 DISK 12 1 86 0 ff 0, " + ILLEGAL_REQUEST,
    "sg_modes -p 8 -c 3 DISK, " + ILLEGAL_REQUEST,
    "sg_get_lba_status DISK, " + INVALID_OPCODE,
    "sg_raw DISK c0 0 0 0 0 0, " + INVALID_OPCODE,
  })
  void toolIsRefused(String line, int exit) throws IOException, InterruptedException {
    Result result = sg(line);
    assertThat(result.exit()).as(result.output()).isEqualTo(exit);
  }

  @Test
  void verifyComparesWithTheDisk() throws IOException, InterruptedException {
    String zeros = file(4096, 0);
    String ones = file(4096, 1);
    sg("sg_verify --16 --lba=64 --count=8 --ndo=4096 --in=" + zeros + " DISK").ok();
    sg("sg_verify --16 --lba=64 --count=8 --ebytchk=3 --ndo=512 --in=" + zeros + " DISK").ok();
    Result other = sg("sg_verify --16 --lba=64 --count=8 --ndo=4096 --in=" + ones + " DISK");
    assertThat(other.exit()).as(other.output()).isEqualTo(MISCOMPARE);
  }

  @Test
  void writeSameAndUnmapChangeTheDisk() throws IOException, InterruptedException {
    String pattern = file(512, 0x5A);
    sg("sg_write_same --10 --in=" + pattern + " --xferlen=512 --lba=128 --num=8 DISK").ok();
    assertThat(stored(128, 8)).containsOnly(0x5A);
    sg("sg_write_same --16 --in=" + pattern + " --xferlen=512 --lba=136 --num=200 DISK").ok();
    assertThat(stored(128, 208)).containsOnly(0x5A);
    assertThat(stored(336, 1)).containsOnly(0);

    changes.clear();
    sg("sg_write_same --16 --unmap --lba=128 --num=4 DISK").ok();
    sg("sg_unmap --force --lba=132,136 --num=1,2 DISK").ok();
    assertThat(changes).containsExactly(Op.DISCARD, Op.DISCARD, Op.DISCARD);
    sg("sg_write_same --16 --ndob --lba=133 --num=1 DISK").ok();
    assertThat(stored(128, 6)).containsOnly(0);
    assertThat(stored(134, 2)).containsOnly(0x5A);
    assertThat(stored(136, 2)).containsOnly(0);
    assertThat(stored(138, 198)).containsOnly(0x5A);
  }

  @Test
  void linuxZeroesAndDiscardsWithoutSendingTheBytes() throws IOException, InterruptedException {
    Tools.requireOnPath("blkdiscard");
    sg("blkdiscard -o 1048576 -l 1048576 DISK").ok();
    assertThat(changes).contains(Op.DISCARD);
    String ones = file(65536, 1);
    sg("dd if=" + ones + " of=DISK bs=64k seek=32 conv=fsync status=none").ok();
    assertThat(stored(4096, 128)).containsOnly(1);
    sg("blkdiscard -z -o 2097152 -l 65536 DISK").ok();
    assertThat(stored(4096, 128)).containsOnly(0);
  }

  @Test
  void compareAndWriteWritesOnce() throws IOException, InterruptedException {
    byte[] blocks = new byte[1024];
    Arrays.fill(blocks, 512, 1024, (byte) 7);
    Path data = Files.write(scratch.resolve("blocks"), blocks);
    String line = "sg_compare_and_write --in=" + data + " --lba=1000 --num=1 --xferlen=1024 DISK";
    sg(line).ok();
    assertThat(stored(1000, 1)).containsOnly(7);
    Result again = sg(line);
    assertThat(again.exit()).isEqualTo(MISCOMPARE);
    assertThat(again.output()).contains("byte offset: 0");
  }

  @Test
  void fuaIsOnStableStorageBeforeTheAnswer() throws IOException, InterruptedException {
    String pattern = file(4096, 9);
    long before = memory.flushes();
    sg("sg_dd if=" + pattern + " of=DISK bs=512 seek=2000 count=8 oflag=fua,sgio").ok();
    assertThat(stored(2000, 8)).containsOnly(9);
    assertThat(memory.flushes()).isGreaterThan(before);
  }
}
