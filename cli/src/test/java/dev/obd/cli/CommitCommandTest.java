package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.format.lsmt.WritableLayer;
import dev.obd.format.lsmt.WritableOptions;
import dev.obd.trace.Access;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommitCommandTest {
  @TempDir private Path dir;
  private Cli cli;
  private String source;
  private String target;
  private Path upper;
  private Path trace;

  @BeforeEach
  void prepare() throws IOException, InterruptedException {
    TestDisk disk = TestDisk.get();
    cli = new Cli(dir.resolve("home"));
    source = "oci:" + dir.resolve("images") + ":app";
    target = "oci:" + dir.resolve("images") + ":new";
    cli.ok("import", disk.raw().toString(), source);
    upper = Files.createDirectories(dir.resolve("upper"));
    try (WritableLayer layer = create(TestDisk.SIZE)) {
      layer.write(1 << 20, ByteBuffer.wrap("written".repeat(512).getBytes("UTF-8"), 0, 512));
      layer.discard(2 << 20, 4096);
      layer.flush();
    }
    trace = dir.resolve("app.trace");
    Files.write(trace, TraceFile.encode(List.of(new Access(0, 4096, 65536))));
  }

  private WritableLayer create(long size) throws IOException {
    return WritableLayer.create(
        upper.resolve("writable_data"),
        upper.resolve("writable_index"),
        WritableOptions.ofSize(size));
  }

  private JsonObject commit(String... more) {
    String[] arguments = new String[more.length + 4];
    System.arraycopy(new String[] {"commit", source, target, "--json"}, 0, arguments, 0, 4);
    System.arraycopy(more, 0, arguments, 4, more.length);
    return cli.ok(arguments).json();
  }

  @Test
  void anUpperBecomesALayerAndStaysAsItIs() throws IOException {
    byte[] before = Files.readAllBytes(upper.resolve("writable_index"));
    JsonObject made = commit("--upper", upper.toString(), "-m", "second");
    assertThat(made.get("layers").getAsInt()).isEqualTo(2);
    assertThat(made.get("layerBytes").getAsLong()).isBetween(512L, 100_000L);
    assertThat(made.get("traceRecords").getAsInt()).isZero();
    assertThat(Files.readAllBytes(upper.resolve("writable_index"))).isEqualTo(before);
  }

  @Test
  void aTraceBecomesTheTopLayer() {
    JsonObject made = commit("--trace", trace.toString());
    assertThat(made.get("layers").getAsInt()).isEqualTo(2);
    assertThat(made.get("traceRecords").getAsInt()).isEqualTo(1);
    assertThat(made.get("layerBytes").getAsLong()).isZero();
  }

  @Test
  void withBothTheTraceIsOnTop() {
    JsonObject made = commit("--trace", trace.toString(), "--upper", upper.toString());
    assertThat(made.get("layers").getAsInt()).isEqualTo(3);
    assertThat(made.get("traceRecords").getAsInt()).isEqualTo(1);
  }

  @Test
  void aNewLayerLeavesTheTraceOfTheImageOutAndSaysSo() {
    commit("--trace", trace.toString());
    String again = "oci:" + dir.resolve("images") + ":again";
    Cli.Result result = cli.ok("commit", target, again, "--upper", upper.toString());
    assertThat(result.err()).contains("the trace of " + target + " is left out");
    assertThat(result.out()).contains("layers  2");
  }

  @Test
  void aSecondTraceIsRefusedUnlessItReplacesTheFirst() {
    commit("--trace", trace.toString());
    Cli.Result refused = cli.run("commit", target, target, "--trace", trace.toString());
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err()).contains("has a trace layer already").contains("--replace");
    Cli.Result replaced =
        cli.ok("commit", target, target, "--trace", trace.toString(), "--replace");
    assertThat(replaced.err()).contains("gave way to the new one");
    assertThat(replaced.out()).contains("layers  2");
  }

  @Test
  void aTraceOfAnotherImageIsRefused() throws IOException {
    Files.write(trace, TraceFile.encode(List.of(new Access(3, 0, 512))));
    Cli.Result refused = cli.run("commit", source, target, "--trace", trace.toString());
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err()).contains("layer 3").contains("another image");
    Files.writeString(trace, "no trace at all, but long enough to look at");
    assertThat(cli.run("commit", source, target, "--trace", trace.toString()).err())
        .contains(trace.toString())
        .contains("magic");
  }

  @Test
  void anUpperInUseIsRefused() throws IOException {
    Path data = upper.resolve("writable_data");
    try (WritableLayer inUse = WritableLayer.open(data, upper.resolve("writable_index"))) {
      assertThat(inUse.segments()).isPositive();
      Cli.Result refused = cli.run("commit", source, target, "--upper", upper.toString());
      assertThat(refused.status()).isEqualTo(1);
      assertThat(refused.err()).hasLineCount(1).contains("in use by another writer");
    }
  }

  @Test
  void anUpperThatWasNeverServedIsRefused() throws IOException {
    upper = Files.createDirectories(dir.resolve("fresh"));
    create(0).close();
    Cli.Result refused = cli.run("commit", source, target, "--upper", upper.toString());
    assertThat(refused.status()).isEqualTo(1);
    assertThat(refused.err()).contains("was never served");
  }

  @Test
  void wrongUseIsToldFromFailure() {
    assertThat(cli.run("commit", source, target).status()).isEqualTo(2);
    Cli.Result missing = cli.run("commit", source, target, "--upper", dir.toString());
    assertThat(missing.status()).isEqualTo(1);
    assertThat(missing.err()).contains("writable_data: no such file");
    Cli.Result file = cli.run("commit", trace.toString(), target, "--trace", trace.toString());
    assertThat(file.status()).isEqualTo(2);
    assertThat(file.err()).contains("expected an image");
    String longText = "x".repeat(300);
    assertThat(
            cli.run("commit", source, target, "--upper", upper.toString(), "-m", longText).status())
        .isEqualTo(2);
  }
}
