package dev.obd.tcmu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.vm.InGuest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A handler that is killed under load, again and again. */
@InGuest(memory = 3072, limitSeconds = 600)
@Timeout(1700)
class TcmuCrashTest {
  /** Each takes the start of a JVM. Fifty were run, too. */
  private static final int CYCLES = Integer.getInteger("obd.kill.cycles", 6);

  private static final int DISK_MIB = 64;

  private static Process server(Path file) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-Djnr.ffi.x86asm.enabled=false",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx64m",
            "-cp",
            System.getProperty("java.class.path"),
            TcmuServer.class.getName(),
            "crash",
            file.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static String node(Process server) throws IOException {
    BufferedReader output = server.inputReader();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith("serving ")) {
        return line.substring("serving ".length());
      }
    }
    throw new AssertionError("the server ended");
  }

  @Test
  void whoeverReadsAndWritesMeetsNoErrorAndNoWrongByteWhenItsHandlerIsKilled() throws Exception {
    Path file = Path.of("/run/tmp/disk");
    try (var sized = new RandomAccessFile(file.toFile(), "rw")) {
      sized.setLength((long) DISK_MIB << 20);
    }
    Process server = server(file);
    String node = node(server);
    Path log = Path.of("/run/tmp/fio.log");
    Process fio =
        new ProcessBuilder(
                ("fio --name=v --filename="
                        + node
                        + " --rw=randwrite --bsrange=4k-64k --direct=1 --ioengine=libaio --iodepth=16"
                        + " --size=48m --verify=crc32c --verify_backlog=128 --verify_fatal=1"
                        + " --time_based --runtime=100000 --loops=100000")
                    .split(" "))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    var stalls = new ArrayList<Long>();
    for (int i = 0; i < CYCLES; i++) {
      long before = completed(node);
      Await.until(() -> completed(node), n -> n > before + 200);
      server.destroyForcibly().waitFor();
      long killed = System.nanoTime();
      long then = completed(node);
      server = server(file);
      assertThat(node(server)).isEqualTo(node);
      Await.until(() -> completed(node), n -> n > then);
      stalls.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - killed));
      assertThat(fio.isAlive()).as(Files.readString(log)).isTrue();
    }
    Collections.sort(stalls);
    System.out.println(
        CYCLES
            + " kills; stall ms: least "
            + stalls.getFirst()
            + ", median "
            + stalls.get(CYCLES / 2)
            + ", most "
            + stalls.getLast());
    fio.destroy(); // it ends in good order, and tells
    assertThat(fio.waitFor(60, TimeUnit.SECONDS)).isTrue();
    String told = Files.readString(log);
    assertThat(told).doesNotContain("verify:").doesNotContain("error=").contains("err= 0");
    assertThat(kernelErrors()).isEmpty();
    OwnDevices.remove("crash", true); // the server still serves it
    server.destroyForcibly().waitFor();
    assertThat(Sh.devicesLeft()).isEmpty();
  }

  /** Reads and writes of the disk that have ended. */
  private static long completed(String node) throws IOException {
    String disk = Path.of(node).getFileName().toString();
    String[] fields = Files.readString(Path.of("/sys/block", disk, "stat")).strip().split(" +");
    return Long.parseLong(fields[0]) + Long.parseLong(fields[4]);
  }

  private static List<String> kernelErrors() throws IOException, InterruptedException {
    return Sh.ok("dmesg")
        .lines()
        .filter(l -> l.contains("I/O error") || l.contains("ring is broken"))
        .toList();
  }
}
