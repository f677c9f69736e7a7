package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.registry.Digest;
import dev.obd.testdata.Golden;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code obd cache} while processes use the cache: the daemon's, and one that a server reads. */
@Timeout(200)
class CacheDaemonTest {
  private static List<JsonObject> blobs(Cli cli) {
    return CacheDoor.blobs(cli.ok("cache", "ls", "--json").json(), "blobs");
  }

  @Test
  void theRunningDaemonsCacheIsTheOneThatIsMeant() throws Exception {
    Path layer = Golden.dir().resolve("d1-tar-z-lz4").resolve("layer.obd");
    String digest = Digest.of(Files.readAllBytes(layer)).value();
    try (TestHome home = new TestHome()) {
      Path elsewhere = home.resolve("elsewhere");
      Path config =
          Files.writeString(
              home.resolve("overlaybd.json"),
              """
              {"cacheConfig": {"cacheType": "file", "cacheDir": "%s", "cacheSizeGB": 1},
               "logConfig": {"logPath": ""}, "logPath": "", "enableAudit": false,
               "obd": {"home": "%s"}}
              """
                  .formatted(elsewhere, home.path()));
      Cli cli = new Cli(home.path());
      try (ObdProcess daemon = ObdProcess.start(home.path(), "daemon", "--no-tcmu", config + "")) {
        daemon.awaitReady();
        assertThat(cli.ok("cache", "import", layer + "").out()).startsWith(digest);
        JsonObject listing = cli.ok("cache", "ls", "--json").json();
        assertThat(listing.get("directory").getAsString()).isEqualTo(elsewhere.toString());
        assertThat(listing.get("capacityBytes").getAsLong()).isEqualTo(1 << 30);
        assertThat(blobs(cli)).hasSize(1);
        assertThat(elsewhere.resolve(digest)).exists();

        cli.ok("cache", "pin", digest);
        assertThat(elsewhere.resolve(digest + ".keep")).exists();
        assertThat(cli.ok("cache", "verify").out()).contains("digest right");
        assertThat(cli.ok("cache", "prune", "--all", "--force").out()).contains("stays: pinned");
        cli.ok("cache", "unpin", digest);
        assertThat(cli.ok("cache", "prune", "--all", "--force").out()).contains("of 1 blobs");
        assertThat(elsewhere.resolve(digest)).doesNotExist();
        assertThat(cli.run("cache", "import", home.resolve("none") + "").status()).isEqualTo(1);
        assertThat(daemon.stop()).isZero();
      }
      assertThat(cli.ok("cache", "ls", "--json").json().get("directory").getAsString())
          .as("without the daemon")
          .isEqualTo(home.resolve("cache").toString());
    }
  }

  @Test
  void whatAServerHasOpenIsNotRemovedByAnotherProcess() throws Exception {
    try (PushedImages images = PushedImages.make()) {
      Path home = images.machine("node");
      Cli cli = new Cli(home);
      try (ObdProcess server = ObdProcess.serve(home, images.v2(), "--no-replay")) {
        assertThat(blobs(cli))
            .hasSize(images.layers("v2").size())
            .allMatch(blob -> blob.get("inUse").getAsBoolean())
            .allSatisfy(blob ->
                assertThat(blob.get("from").getAsString())
                    .isEqualTo(images.registry.host() + "/test/app"));
        assertThat(cli.ok("cache", "prune", "--all", "--force").out())
            .contains("stays: in use", "of 0 blobs");
        assertThat(server.stop()).isZero();
      }
      assertThat(blobs(cli)).isNotEmpty().noneMatch(blob -> blob.get("inUse").getAsBoolean());
      assertThat(cli.ok("cache", "prune", "--force").out()).doesNotContain("of 0 blobs");
      assertThat(blobs(cli)).isEmpty();
    }
  }
}
