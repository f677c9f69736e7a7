package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.obd.testdata.Contents;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import dev.obd.testdata.vm.InGuest;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code obd daemon} where the snapshotter expects overlaybd-tcmu. */
@InGuest(memory = 3072, limitSeconds = 600)
class DropInTest {
  private static LayeredImage image;
  private static GuestDaemon daemon;
  private static int number;

  private final String id = "e2e" + number++;

  @BeforeAll
  static void start() throws IOException, InterruptedException {
    Tools.requireOnPath("mount", "e2fsck");
    image = LayeredImage.make(ProcessRegistry.with());
    daemon = new GuestDaemon(image.home.resolve("daemon"), new JsonObject()).start();
  }

  @AfterAll
  static void stop() throws IOException {
    if (daemon != null) {
      daemon.close();
    }
    if (image != null) {
      image.close();
    }
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertThat(Snapshotter.left()).isEmpty();
    assertThat(daemon.devices()).isEmpty();
  }

  private Path directory() throws IOException {
    return Files.createDirectories(image.home.resolve(id));
  }

  private Path mounted(Path node, String options) throws IOException, InterruptedException {
    Path at = Files.createDirectories(directory().resolve("mountpoint"));
    Processes.run("mount", "-t", "ext4", "-o", options, node.toString(), at.toString());
    return at;
  }

  private static void unmount(Path at) throws IOException, InterruptedException {
    Processes.run("umount", at.toString());
  }

  /** From now on files are read from the disk again. */
  private static void forgetPages() throws IOException {
    Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "3");
  }

  private JsonObject writable(JsonObject config, String size) throws IOException {
    Path data = directory().resolve("writable_data");
    Path index = directory().resolve("writable_index");
    new Cli(image.home.resolve("maker"))
        .ok("layer", "create", "--size", size, data.toString(), index.toString());
    var upper = new JsonObject();
    upper.addProperty("data", data.toString());
    upper.addProperty("index", index.toString());
    config.add("upper", upper);
    return config;
  }

  /** Writes a file, and returns when it is on stable storage. */
  private static void write(Path file, byte[] content) throws IOException {
    Files.write(file, content);
    try (var opened = FileChannel.open(file, StandardOpenOption.WRITE)) {
      opened.force(true);
    }
  }

  @Test
  void aConfigurationOverARegistryBecomesADiskWithTheRightFiles() throws Exception {
    JsonObject config = image.config(directory());
    assertThat(config.getAsJsonArray("lowers")).hasSize(LayeredImage.LAYERS);
    Path node = Snapshotter.attach(id, LayeredImage.write(directory(), config));
    assertThat(LayeredImage.resultFile(directory())).hasContent("success");
    Path at = mounted(node, "ro,discard");
    TestDisk.assertSameTree(image.tree, at);
    TestDisk.assertSame(image.raw, node);
    assertThat(daemon.obd("ps").expectSuccess().out()).contains("serving", node.toString());
    unmount(at);
    Snapshotter.detach(id);
  }

  @Test
  void aLayerThatIsNotThereFailsTheDeviceInTheOriginalsWords() throws Exception {
    JsonObject config = image.config(directory());
    String missing = "sha256:" + "0123456789abcdef".repeat(4);
    config.getAsJsonArray("lowers").get(2).getAsJsonObject().addProperty("digest", missing);
    Processes.Result result = Snapshotter.tryToAttach(id, LayeredImage.write(directory(), config));
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.errors()).contains("enable: No such file or directory");
    assertThat(LayeredImage.resultFile(directory()))
        .hasContent(
            "failed:failed to open remote file as tar file /http://%s/v2/test/app/blobs/%s: No such file or directory"
                .formatted(image.registry.host(), missing));
  }

  @Test
  void aConfigurationThatIsDamagedFailsTheDeviceAndNoOther() throws Exception {
    Path damaged = Files.writeString(directory().resolve("config.v1.json"), "{\"lowers\": [");
    assertThat(Snapshotter.tryToAttach(id, damaged).exit()).isEqualTo(1);
    Path nowhere = directory().resolve("there/is/none.json");
    assertThat(Snapshotter.tryToAttach(id, nowhere).exit()).isEqualTo(1);
  }

  @Test
  void anEmptyWritableLayerTakesAFileSystemThatSurvivesRestarts() throws Exception {
    var config = new JsonObject();
    config.addProperty("resultFile", LayeredImage.resultFile(directory()).toString());
    Path file = LayeredImage.write(directory(), writable(config, "256M"));
    Path node = Snapshotter.attach(id, file);
    assertThat(LayeredImage.resultFile(directory())).hasContent("success");
    Processes.run(
        "mkfs.ext4",
        "-q",
        "-O",
        "^has_journal,sparse_super,flex_bg",
        "-G",
        "1",
        "-E",
        "discard",
        "-F",
        node.toString());
    Path at = mounted(node, "discard");
    byte[] before = Contents.of("rand", 1, 3 << 20);
    write(at.resolve("before"), before);

    daemon.stop();
    daemon.start();
    forgetPages();
    assertThat(at.resolve("before")).hasBinaryContent(before);
    byte[] after = Contents.of("mix", 2, 2 << 20);
    write(at.resolve("after"), after);
    Files.delete(at.resolve("before"));
    unmount(at);
    Processes.run("e2fsck", "-fn", node.toString());
    Snapshotter.detach(id);

    assertThat(Snapshotter.attach(id, file)).exists();
    Path again = mounted(Snapshotter.node(id), "ro");
    assertThat(again.resolve("after")).hasBinaryContent(after);
    assertThat(again.resolve("before")).doesNotExist();
    unmount(again);
    Processes.run("e2fsck", "-fn", Snapshotter.node(id).toString());
    Snapshotter.detach(id);
  }

  @Test
  void whatAnFsyncHasWrittenOverAnImageSurvivesAKill() throws Exception {
    JsonObject config = writable(image.config(directory()), "0");
    Path node = Snapshotter.attach(id, LayeredImage.write(directory(), config));
    Path at = mounted(node, "discard");
    byte[] content = Contents.of("rand", 3, 1 << 20);
    write(at.resolve("fresh"), content);
    Path changed = at.resolve("data/d1/f1");
    write(changed, content);

    daemon.kill();
    daemon.start();
    forgetPages();
    assertThat(at.resolve("fresh")).hasBinaryContent(content);
    assertThat(changed).hasBinaryContent(content);
    assertThat(at.resolve("data/d2/f2"))
        .hasBinaryContent(Files.readAllBytes(image.tree.resolve("data/d2/f2")));
    unmount(at);
    Processes.run("e2fsck", "-fn", node.toString());
    Snapshotter.detach(id);
  }
}
