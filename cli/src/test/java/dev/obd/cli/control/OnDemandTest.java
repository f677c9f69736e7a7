package dev.obd.cli.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.config.Home;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class OnDemandTest {
  @TempDir private Path dir;

  @Test
  void aDaemonThatIsJustLeavingIsFollowedByAnother() throws Exception {
    var home = new Home(dir.resolve("home"));
    Path log = home.root().resolve("log/daemon.log");
    FileChannel leaving =
        FileChannel.open(
            Files.createDirectories(home.state()).resolve("lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
    assertThat(leaving.tryLock()).isNotNull();
    Thread end =
        Thread.ofPlatform()
            .start(() -> {
              try (leaving) {
                while (!Files.exists(log) || !Files.readString(log).contains("another process")) {
                  TimeUnit.MILLISECONDS.sleep(10);
                }
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    try (var client = new DaemonClient(home.run().resolve("control.sock"))) {
      OnDemand.start(client, home.root());
      ProcessHandle daemon =
          ProcessHandle.of(client.get("/v1/status").get("pid").getAsLong()).orElseThrow();
      daemon.destroy();
      daemon.onExit().get(60, TimeUnit.SECONDS);
    } finally {
      end.join();
    }
  }
}
