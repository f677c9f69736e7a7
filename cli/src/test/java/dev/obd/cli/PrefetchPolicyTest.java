package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.prefetch.PrefetchHints;
import dev.obd.format.ext4.Ext4Reader;
import dev.obd.io.FileSource;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What images say of fetching ahead, and what is done about it where they are served. */
class PrefetchPolicyTest {
  private static final String HINTS = PrefetchHints.ANNOTATION;
  private static final String OFFSET = "dev.obd.readahead-offset";
  private static final String LENGTH = "dev.obd.readahead-length";

  @TempDir private Path dir;
  private TestDisk disk;
  private Cli cli;

  @BeforeEach
  void prepare() throws Exception {
    disk = TestDisk.get();
    cli = new Cli(dir.resolve("home"));
  }

  private final InputStream input = System.in;

  @AfterEach
  void restore() {
    System.setIn(input);
  }

  private static void listing(String... lines) {
    String text = String.join("\n", lines);
    System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  private String image(String tag) {
    return "oci:" + dir.resolve("images") + ":" + tag;
  }

  /** The layers of an image, as its manifest describes them. */
  private List<JsonObject> layers(String tag) throws IOException {
    Path images = dir.resolve("images");
    for (var manifest : json(images.resolve("index.json")).getAsJsonArray("manifests").asList()) {
      JsonObject m = manifest.getAsJsonObject();
      if (m.getAsJsonObject("annotations")
          .get("org.opencontainers.image.ref.name")
          .getAsString()
          .equals(tag)) {
        List<JsonObject> layers = new ArrayList<>();
        json(blob(m.get("digest").getAsString()))
            .getAsJsonArray("layers")
            .forEach(layer -> layers.add(layer.getAsJsonObject()));
        return layers;
      }
    }
    throw new AssertionError("no image " + tag);
  }

  private Path blob(String digest) {
    return dir.resolve("images/blobs/sha256").resolve(digest.substring("sha256:".length()));
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  private static JsonObject annotations(JsonObject layer) {
    return layer.getAsJsonObject("annotations");
  }

  @Test
  void withFsTheInodesOfWhatIsListedAreNotedWithoutThoseInListedDirectories() throws Exception {
    listing("/d0/e0/file-0", "/d1", "/d1/e1/file-1", "/none", "", "/d0/e0/file-0", "/d1/e1/");
    Cli.Result made =
        cli.ok("import", disk.raw().toString(), image("v1"), "--prefetch-policy", "fs");
    assertThat(made.err()).contains("1 of 5 listed files are not in the new image");
    PrefetchHints hints =
        PrefetchHints.ofAnnotation(
            "layer", annotations(layers("v1").getFirst()).get(HINTS).getAsString());
    try (var raw = FileSource.open(disk.raw())) {
      Ext4Reader files = Ext4Reader.open(raw);
      assertThat(hints.inodes())
          .containsExactly(files.resolve("/d0/e0/file-0").number(), files.resolve("/d1").number());
    }

    listing("/new-1", "/d3/");
    cli.ok(
        "import",
        disk.raw2().toString(),
        image("v2"),
        "--base",
        image("v1"),
        "--prefetch-policy",
        "fs");
    List<JsonObject> layers = layers("v2");
    assertThat(layers).hasSize(2);
    assertThat(layers).allMatch(layer -> annotations(layer).has(HINTS));

    cli.ok("import", disk.raw2().toString(), image("none"), "--prefetch-policy", "none");
    assertThat(annotations(layers("none").getFirst()).keySet())
        .noneMatch(key -> key.startsWith("dev.obd."));
  }

  @Test
  void withBlobThePartOfTheLayerThatHoldsTheFilesIsReadAheadOfALocalFile() throws Exception {
    listing("/d0/e0/file-0", "/d1/e1/");
    cli.ok("import", disk.raw().toString(), image("v1"), "--prefetch-policy", "blob");
    JsonObject layer = layers("v1").getFirst();
    long size = layer.get("size").getAsLong();
    long offset = annotations(layer).get(OFFSET).getAsLong();
    long length = annotations(layer).get(LENGTH).getAsLong();
    assertThat(annotations(layer).has(HINTS)).isFalse();
    assertThat(offset).isPositive();
    assertThat(length).isPositive();
    assertThat(offset + length).isLessThan(size);

    listing();
    cli.ok("import", disk.raw().toString(), image("all"), "--prefetch-policy", "blob");
    JsonObject whole = layers("all").getFirst();
    assertThat(annotations(whole).get(OFFSET).getAsLong()).isZero();
    assertThat(annotations(whole).get(LENGTH).getAsLong()).isEqualTo(whole.get("size").getAsLong());

    Path file = blob(layer.get("digest").getAsString());
    Tools.requireOnPath("fincore");
    dropPages(file);
    long cold = pages(file);
    Assumptions.assumeTrue(cold < length / 4, "pages cannot be dropped here");
    Path home = dir.resolve("server");
    try (ObdProcess server = ObdProcess.serve(home, image("v1"))) {
      for (int i = 0; i < 500 && pages(file) < length; i++) {
        Thread.sleep(20);
      }
      assertThat(pages(file)).isGreaterThanOrEqualTo(length);
      try (Stream<Path> cached = Files.walk(home.resolve("cache"))) {
        assertThat(cached.filter(Files::isRegularFile).filter(f -> f.toString().endsWith(".data")))
            .isEmpty();
      }
      assertThat(server.stop()).isZero();
    }
  }

  private static void dropPages(Path file) throws Exception {
    Processes.run("sync", file.toString());
    Processes.run("dd", "of=" + file, "oflag=nocache", "conv=notrunc,fdatasync", "count=0");
  }

  /** Bytes of it in the page cache. */
  private static long pages(Path file) throws Exception {
    return Long.parseLong(
        Processes.run("fincore", "-b", "-n", "-o", "RES", file.toString()).text().strip());
  }

  @Test
  void aPolicyThatMakesNoSenseIsRefused() {
    String raw = disk.raw().toString();
    assertThat(cli.run("import", raw, image("x"), "--prefetch-policy", "most").expect(2).err())
        .contains("expected fs, blob or none, got 'most'");
    listing();
    assertThat(cli.run("import", raw, image("x"), "--prefetch-policy", "fs").expect(2).err())
        .contains("standard input lists no files");
    listing("etc/passwd");
    assertThat(cli.run("import", raw, image("x"), "--prefetch-policy", "fs").expect(2).err())
        .contains("absolute path");
    assertThat(
            cli.run("commit", image("a"), image("b"), "--trace", "t", "--prefetch-policy", "fs")
                .expect(2)
                .err())
        .contains("it needs --upper");
  }
}
