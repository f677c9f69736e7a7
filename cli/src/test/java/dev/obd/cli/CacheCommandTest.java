package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.registry.Digest;
import dev.obd.testdata.Golden;
import dev.obd.testdata.ProcessRegistry;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code obd cache} without a daemon; CacheDaemonTest has one. */
class CacheCommandTest {
  @TempDir private Path dir;
  private Cli cli;
  private Path layer;
  private String digest;

  @BeforeEach
  void prepare() throws IOException {
    cli = new Cli(dir.resolve("home"));
    layer = Golden.dir().resolve("d1-tar-z-lz4").resolve("layer.obd");
    digest = Digest.of(Files.readAllBytes(layer)).value();
  }

  private List<JsonObject> blobs() {
    return CacheDoor.blobs(cli.ok("cache", "ls", "--json").json(), "blobs");
  }

  private void bring() {
    assertThat(cli.ok("cache", "import", layer.toString()).out()).startsWith(digest);
  }

  private Path cached() {
    return cli.home().resolve("cache").resolve(digest);
  }

  @Test
  void anEmptyCacheIsListedAsEmpty() {
    assertThat(blobs()).isEmpty();
    assertThat(cli.ok("cache", "ls").out()).startsWith("DIGEST").hasLineCount(1);
    assertThat(cli.ok("cache", "du").out()).contains("could go", "0 bytes");
    assertThat(cli.ok("cache", "prune").out()).contains("freed 0 B (0 bytes) of 0 blobs");
    assertThat(cli.ok("cache", "verify").out()).isEmpty();
  }

  @Test
  void anImportedBlobIsListedWithWhatItIs() throws IOException {
    bring();
    assertThat(blobs())
        .singleElement()
        .satisfies(blob -> {
          assertThat(blob.get("digest").getAsString()).isEqualTo(digest);
          assertThat(blob.get("format").getAsString()).isEqualTo("tar+zfile");
          assertThat(blob.get("blobBytes").getAsLong()).isEqualTo(Files.size(layer));
          assertThat(blob.get("presentBytes").getAsLong()).isEqualTo(Files.size(layer));
          assertThat(Instant.parse(blob.get("lastUse").getAsString()))
              .isAfter(Instant.now().minusSeconds(60));
          assertThat(blob.get("inUse").getAsBoolean()).isFalse();
          assertThat(blob.get("pinned").getAsBoolean()).isFalse();
          assertThat(blob.getAsJsonArray("images")).isEmpty();
        });
    assertThat(cli.ok("cache", "ls").out()).contains(digest.substring(0, 19), "tar+zfile");
    JsonObject usage = cli.ok("cache", "du", "--json").json();
    assertThat(usage.get("usedBytes").getAsLong()).isEqualTo(Files.size(layer));
    assertThat(usage.get("reclaimableBytes").getAsLong()).isEqualTo(Files.size(layer));
  }

  @Test
  void aFileWithAnotherDigestThanItsNameIsNotImported() throws IOException {
    Path misnamed = dir.resolve("sha256:" + "0".repeat(64));
    Files.copy(layer, misnamed);
    assertThat(cli.run("cache", "import", misnamed.toString()).expect(1).err())
        .contains("its digest is " + digest);
    assertThat(
            cli.run("cache", "import", layer.toString(), "--digest", "sha256:" + "1".repeat(64))
                .expect(1)
                .err())
        .contains("its digest is " + digest);
    assertThat(blobs()).isEmpty();
  }

  @Test
  void verifyTellsOfDamageAndDropsIt() throws IOException {
    bring();
    assertThat(cli.ok("cache", "verify").out()).contains("whole, digest right");
    try (RandomAccessFile raw = new RandomAccessFile(cached().toFile(), "rw")) {
      long middle = raw.length() / 2; // neither in the head nor in the tail, which a listing reads
      raw.seek(middle);
      int was = raw.read();
      raw.seek(middle);
      raw.write(was ^ 0x55);
    }
    assertThat(cli.run("cache", "verify", digest.substring(7, 15)).expect(1).out())
        .contains("damaged and dropped");
    assertThat(cli.ok("cache", "verify", "--json").json().getAsJsonArray("blobs")).hasSize(1);
    assertThat(cli.run("cache", "verify", "ffffffff").expect(1).err()).contains("no such blob");
  }

  @Test
  void pruneAsksAndSparesWhatIsPinned() {
    bring();
    assertThat(cli.ok("cache", "prune", "--dry-run").out()).contains("would free", "of 1 blobs");
    assertThat(cli.run("cache", "prune").expect(2).err())
        .contains("Remove these 1 blobs", "--force");
    assertThat(blobs()).hasSize(1);

    assertThat(cli.ok("cache", "pin", digest.substring(0, 15)).out())
        .isEqualTo("pinned  " + digest + "\n");
    assertThat(cli.ok("cache", "ls").out()).contains("pinned");
    assertThat(cli.ok("cache", "prune", "--all", "--force").out())
        .contains("stays: pinned", "of 0 blobs");
    assertThat(blobs().getFirst().get("pinned").getAsBoolean()).isTrue();

    assertThat(cli.ok("cache", "unpin", digest).out()).isEqualTo("unpinned  " + digest + "\n");
    JsonObject pruned = cli.ok("cache", "prune", "--force", "--json").json();
    assertThat(pruned.get("freedBytes").getAsLong()).isPositive();
    assertThat(pruned.getAsJsonArray("removed")).hasSize(1);
    assertThat(blobs()).isEmpty();
    assertThat(cached()).doesNotExist();
  }

  @Test
  void conditionsNarrowWhatIsPruned() throws IOException {
    bring();
    Path other = Golden.dir().resolve("c1-z-zstd-4k").resolve("layer.obd");
    cli.ok("cache", "import", other.toString());
    Path use = cached().resolveSibling(digest + ".use");
    Files.setLastModifiedTime(use, FileTime.from(Instant.now().minus(Duration.ofDays(40))));
    assertThat(blobs().getFirst().get("digest").getAsString()).as("oldest first").isEqualTo(digest);

    assertThat(cli.ok("cache", "prune", "--force", "--older-than", "50d").out())
        .contains("of 0 blobs");
    assertThat(cli.ok("cache", "prune", "--force", "--keep-size", "1G").out())
        .contains("of 0 blobs");
    assertThat(cli.ok("cache", "prune", "--dry-run", "--keep-size", "0").out())
        .contains("of 2 blobs");
    long both = Files.size(layer) + Files.size(other);
    assertThat(cli.ok("cache", "prune", "--dry-run", "--keep-size", Long.toString(both - 1)).out())
        .contains(digest.substring(0, 19), "of 1 blobs");
    assertThat(cli.ok("cache", "prune", "--force", "--older-than", "30d").out())
        .contains(digest.substring(0, 19), "of 1 blobs");
    assertThat(blobs()).hasSize(1);
    assertThat(cli.run("cache", "prune", "--all", "--outdated").expect(2).err())
        .contains("exclude each other");
  }

  @Test
  void layersOfTheStoresImagesStayUnlessAllIsSaid() throws Exception {
    ProcessRegistry.assumeAvailable();
    try (ProcessRegistry registry = ProcessRegistry.start()) {
      String name = registry.host() + "/app:v1";
      new Cli(dir.resolve("maker")).ok("import", TestDisk.get().raw().toString(), name);
      new Cli(dir.resolve("maker")).ok("push", name);
      cli.ok("pull", name);
      cli.ok("fetch", name);
      assertThat(blobs())
          .isNotEmpty()
          .allSatisfy(blob -> {
            assertThat(blob.getAsJsonArray("images").toString()).contains(name);
            assertThat(blob.get("from").getAsString()).isEqualTo(registry.host() + "/app");
          });
      assertThat(cli.ok("cache", "prune", "--force").out()).contains("of 0 blobs");
      cli.ok("cache", "import", layer.toString());
      cli.ok("tag", name, "other:v1");
      cli.ok("rm", name);
      assertThat(blobs()).as("another image needs them").hasSizeGreaterThan(1);
      assertThat(cli.ok("rm", "other:v1").err()).contains("of the cache");
      assertThat(blobs())
          .singleElement()
          .satisfies(blob -> assertThat(blob.get("digest").getAsString()).isEqualTo(digest));
      assertThat(cli.ok("cache", "prune", "--force").out()).contains("of 1 blobs");
    }
  }
}
