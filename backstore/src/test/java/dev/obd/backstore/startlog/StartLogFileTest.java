package dev.obd.backstore.startlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartLog.Layer;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.ReadContext.Purpose;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StartLogFileTest {
  private static final String FIRST =
      "{\"obdStartLog\":1,\"image\":\"app\",\"diskBytes\":0,\"layers\":[{\"name\":\"l\","
          + "\"digest\":\"\",\"blobBytes\":9,\"unitBytes\":65536,\"refillBytes\":65536}]}";

  @TempDir Path directory;

  private static StartLog random(SplittableRandom random) {
    int layers = random.nextInt(1, 5);
    List<Layer> all = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      all.add(
          new Layer(
              "reg/app@" + i + "\"\n\u2028ü",
              "sha256:" + i,
              random.nextLong(1L << 40),
              1L << i,
              2L << i));
    }
    List<Planned> planned = new ArrayList<>();
    for (int i = random.nextInt(20); i > 0; i--) {
      planned.add(new Planned(random.nextInt(layers), random.nextLong(1L << 40), 1L << 16));
    }
    List<StartEvent> events = new ArrayList<>();
    for (int i = random.nextInt(200); i > 0; i--) {
      Kind kind = Kind.values()[random.nextInt(Kind.values().length)];
      long begin = random.nextLong(1L << 40);
      events.add(
          new StartEvent(
              kind,
              random.nextLong(1000),
              begin,
              begin + random.nextLong(1L << 30),
              kind == Kind.DISK ? -1 : random.nextInt(layers),
              random.nextLong(1L << 40),
              random.nextLong(1L << 31),
              Purpose.values()[random.nextInt(3)],
              random.nextBoolean(),
              random.nextBoolean()));
    }
    return new StartLog(
        "oci:dir:app", 1L << 30, all, planned, planned.reversed(), events, 1L << 41, 7);
  }

  @Test
  void whatIsWrittenIsWhatIsRead() throws IOException {
    var random = new SplittableRandom(1);
    Path file = directory.resolve("log");
    for (int i = 0; i < 50; i++) {
      StartLog log = random(random);
      StartLogFile.write(log, file);
      assertThat(StartLogFile.read(file)).isEqualTo(log);
      assertThat(StartLogFile.isStartLog(file)).isTrue();
    }
  }

  @Test
  void aDamagedFileIsReadOrRefusedWithItsNameAndNothingElse() throws IOException {
    var random = new SplittableRandom(2);
    Path file = directory.resolve("log");
    StartLogFile.write(random(random), file);
    byte[] good = Files.readAllBytes(file);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bad = good.clone();
      for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      int length = random.nextInt(4) == 0 ? random.nextInt(bad.length) : bad.length;
      Files.write(file, java.util.Arrays.copyOf(bad, length));
      try {
        StartLogFile.read(file);
      } catch (IOException e) {
        refused++;
        assertThat(e).hasMessageContaining(file.toString());
      }
    }
    assertThat(refused).isGreaterThan(1000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[\"wire\",1,0,1,1,0,1,\"demand\",false,true]", // there is no such layer
        "[\"wire\",1,2,1,0,0,1,\"demand\",false,true]", // ends before it begins
        "[\"disk\",1,0,1,0,0,1,\"demand\",false,true]", // the disk is no layer
        "[\"wire\",1,0,1,-1,0,1,\"demand\",false,true]",
        "[\"wire\",1,0,1,0,9223372036854775807,1,\"demand\",false,true]",
        "[\"wire\",1,0,1,0,0,1,\"hurry\",false,true]",
        "[\"disc\",1,0,1,-1,0,1,\"demand\",false,true]",
        "[\"need\",0,-1,1]",
        "[\"need\",0,0,1,1]",
        "[\"need\",0,0,1] []",
        "[\"end\",-1,0]",
        "{}",
        "",
        "[[[[[[[["
      })
  void aLineThatCannotBeIsRefusedWithItsNumber(String line) throws IOException {
    Path file = directory.resolve("log");
    Files.writeString(file, FIRST + "\n[\"need\",0,0,1]\n" + line + "\n[\"end\",1,0]\n");
    assertThatThrownBy(() -> StartLogFile.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line 3");
  }

  @Test
  void aLogWithoutItsEndIsRefused() throws IOException {
    Path file = directory.resolve("log");
    Files.writeString(file, FIRST + "\n[\"need\",0,0,1]\n");
    assertThatThrownBy(() -> StartLogFile.read(file)).hasMessageContaining("last line");
    Files.writeString(file, FIRST + "\n[\"end\",1,0]\n[\"end\",1,0]\n");
    assertThatThrownBy(() -> StartLogFile.read(file)).hasMessageContaining("after the last");
  }

  @Test
  void anotherVersionOrAnotherFileIsNoLog() throws IOException {
    Path file = directory.resolve("log");
    Files.writeString(file, FIRST.replace(":1,", ":2,"));
    assertThatThrownBy(() -> StartLogFile.read(file)).hasMessageContaining("version");
    Files.write(file, "trace".getBytes(StandardCharsets.UTF_8));
    assertThat(StartLogFile.isStartLog(file)).isFalse();
    assertThatThrownBy(() -> StartLogFile.read(file)).isInstanceOf(IOException.class);
  }
}
