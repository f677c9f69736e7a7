package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.DeviceOptions;
import dev.obd.backstore.device.Export;
import dev.obd.backstore.device.MemoryDisk;
import dev.obd.backstore.device.ScriptedDisk;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(NoLeaks.class)
@Timeout(60)
class NbdServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path directory;

  private static BlockDevice device(long size) {
    return new BlockDevice("d" + size, MemoryDisk.writable(size), DeviceOptions.DEFAULTS);
  }

  private static NbdClient connect(String uri) throws IOException {
    return NbdClient.connect(URI.create(uri), PATIENCE);
  }

  private Path socket() {
    return directory.resolve("s");
  }

  @Test
  void exportsComeAndGoWhileTheServerRuns() throws Exception {
    try (NbdServer server = NbdServer.builder().unix(socket()).export("a", device(512)).start()) {
      Export b = server.add("b", device(1024));
      assertThat(server.exportNames()).containsExactly("a", "b");
      assertThatThrownBy(() -> server.add("b", device(512)))
          .isInstanceOf(IllegalArgumentException.class);
      try (NbdClient onA = connect(server.uri("a"));
          NbdClient onB = connect(b.address())) {
        assertThat(onB.size()).isEqualTo(1024);
        b.close();
        b.close();
        assertThatThrownBy(() -> onB.read(0, ByteBuffer.allocate(512)))
            .isInstanceOf(IOException.class);
        onA.read(0, ByteBuffer.allocate(512));
      }
      assertThatThrownBy(() -> connect(b.address())).hasMessageContaining("no such export");
      try (Export again = server.add("b", device(2048));
          NbdClient client = connect(again.address())) {
        assertThat(client.size()).isEqualTo(2048);
      }
    }
  }

  @Test
  void theEmptyNameIsTheDefaultOrTheOnlyExport() throws Exception {
    try (NbdServer server = NbdServer.builder().unix(socket()).start()) {
      assertThatThrownBy(() -> connect(server.uri(""))).hasMessageContaining("no such export");
      server.add("a", device(512));
      try (NbdClient client = connect(server.uri(""))) {
        assertThat(client.size()).isEqualTo(512);
      }
      server.add("b", device(1024));
      assertThatThrownBy(() -> connect(server.uri(""))).hasMessageContaining("no such export");
    }
    try (NbdServer server =
            NbdServer.builder()
                .unix(socket())
                .export("a", device(512))
                .export("b", device(1024))
                .defaultExport("b")
                .start();
        NbdClient client = connect(server.uri(""))) {
      assertThat(client.size()).isEqualTo(1024);
    }
  }

  @Test
  void closingWaitsForRequestsInWork() throws Exception {
    var memory = MemoryDisk.writable(4096);
    var disk = new ScriptedDisk(memory);
    var inside = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    disk.play((_, _, _) -> {
      inside.countDown();
      await(release);
    });
    NbdServer server =
        NbdServer.builder()
            .unix(socket())
            .export("a", new BlockDevice("a", disk, DeviceOptions.DEFAULTS))
            .start();
    NbdClient client = connect(server.uri("a"));
    var written = CompletableFuture.runAsync(() -> write(client), Thread::startVirtualThread);
    inside.await();
    var closed = CompletableFuture.runAsync(() -> close(server), Thread::startVirtualThread);
    while (Files.exists(socket())) {
      Thread.onSpinWait(); // closing has begun
    }
    assertThat(closed).isNotDone();
    release.countDown();
    closed.join();
    written.join(); // it got its answer
    client.close();
  }

  @Test
  void closingDoesNotWaitForEver() throws Exception {
    var disk = new ScriptedDisk(MemoryDisk.writable(4096));
    var inside = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    disk.play((_, _, _) -> {
      inside.countDown();
      await(release);
    });
    NbdServer server =
        NbdServer.builder()
            .unix(socket())
            .export("a", new BlockDevice("a", disk, DeviceOptions.DEFAULTS))
            .drainTimeout(Duration.ofMillis(100))
            .start();
    NbdClient client = connect(server.uri("a"));
    var written = CompletableFuture.runAsync(() -> write(client), Thread::startVirtualThread);
    inside.await();
    server.close();
    assertThatThrownBy(written::join).hasRootCauseInstanceOf(IOException.class);
    release.countDown();
    client.close();
  }

  @Test
  void whoNegotiatesTooLongIsDisconnected() throws Exception {
    try (NbdServer server =
            NbdServer.builder()
                .unix(socket())
                .export("a", device(512))
                .handshakeTimeout(Duration.ofMillis(200))
                .start();
        RawPeer silent = new RawPeer(server);
        RawPeer slow = new RawPeer(server);
        RawPeer done = new RawPeer(server)) {
      done.go("a");
      slow.greet().option(Protocol.OPT_LIST);
      assertThat(slow.outcome()).isEqualTo(Protocol.REP_ACK);
      assertThat(slow.isClosed()).isTrue();
      silent.in.readNBytes(18);
      assertThat(silent.isClosed()).isTrue();
      done.request(Protocol.CMD_READ, 0, 1, 0, 512); // the limit is for the handshake alone
      assertThat(done.simple(1)).isZero();
    }
  }

  @Test
  void moreConnectionsThanTheLimitAreTurnedAway() throws Exception {
    try (NbdServer server =
        NbdServer.builder().unix(socket()).export("a", device(512)).maxConnections(2).start()) {
      var first = new RawPeer(server).go("a");
      var second = new RawPeer(server).go("a");
      try (var third = new RawPeer(server)) {
        assertThat(third.isClosed()).isTrue();
      }
      first.close();
      while (server.connections() > 1) {
        Thread.onSpinWait();
      }
      new RawPeer(server).go("a").close();
      second.close();
    }
  }

  @Test
  void theSocketFileIsPrivateAndGoesWithTheServer() throws Exception {
    NbdServer server = NbdServer.builder().unix(socket()).start();
    assertThat(Files.getPosixFilePermissions(socket()))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    try (var files = Files.list(directory)) {
      assertThat(files).containsExactly(socket());
    }
    server.close();
    assertThat(Files.exists(socket(), LinkOption.NOFOLLOW_LINKS)).isFalse();
    var open = PosixFilePermissions.fromString("rw-rw-rw-");
    try (NbdServer shared = NbdServer.builder().unix(socket()).mode(open).start()) {
      assertThat(Files.getPosixFilePermissions(socket())).isEqualTo(open);
      assertThat(shared.port()).isEqualTo(-1);
    }
  }

  @Test
  void aStaleSocketFileIsReplacedAndALiveOneIsNot() throws Exception {
    try (var crashed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      crashed.bind(UnixDomainSocketAddress.of(socket()));
      assertThatThrownBy(() -> NbdServer.builder().unix(socket()).start())
          .isInstanceOf(FileAlreadyExistsException.class)
          .hasMessageContaining("somebody listens");
    }
    try (NbdServer server = NbdServer.builder().unix(socket()).export("a", device(512)).start();
        NbdClient client = connect(server.uri("a"))) {
      assertThat(client.size()).isEqualTo(512);
    }
  }

  @Test
  void aFileThatIsNoSocketIsLeftAlone() throws Exception {
    Files.writeString(socket(), "precious");
    assertThatThrownBy(() -> NbdServer.builder().unix(socket()).start())
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining("not a socket");
    assertThat(socket()).hasContent("precious");
  }

  @Test
  void theSocketFileOfASuccessorIsNotRemoved() throws Exception {
    NbdServer first = NbdServer.builder().unix(socket()).start();
    Files.delete(socket());
    try (NbdServer second = NbdServer.builder().unix(socket()).export("a", device(512)).start()) {
      first.close();
      connect(second.uri("a")).close();
    }
  }

  @Test
  void aPathTooLongForASocketIsAClearError() throws Exception {
    Path deep = Files.createDirectories(directory.resolve("x".repeat(100)));
    assertThatThrownBy(() -> NbdServer.builder().unix(deep.resolve("s")).start())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("at most 107");
    try (var files = Files.list(deep)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void aPortInUseIsAClearError() throws Exception {
    var any = new InetSocketAddress("127.0.0.1", 0);
    try (NbdServer server = NbdServer.builder().tcp(any).start()) {
      var taken = new InetSocketAddress("127.0.0.1", server.port());
      assertThatThrownBy(() -> NbdServer.builder().tcp(taken).start())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot listen on tcp:");
    }
  }

  @Test
  void frontEndsAreFoundAndShareOneSocketAmongExports() throws Exception {
    var schemes = new ArrayList<String>();
    DeviceFrontend unix = null;
    for (DeviceFrontend frontend : ServiceLoader.load(DeviceFrontend.class)) {
      schemes.add(frontend.scheme());
      if (frontend.scheme().equals("nbd+unix")) {
        unix = frontend;
      }
    }
    assertThat(schemes).contains("nbd+unix", "nbd");
    assertThat(unix.unavailableBecause(URI.create("nbd+unix:///a"))).isPresent();
    Export a = unix.export(device(512), URI.create("nbd+unix:///a?socket=" + socket()));
    Export b = unix.export(device(1024), URI.create("nbd+unix:///b?socket=" + socket()));
    DeviceFrontend found = unix;
    assertThatThrownBy(
            () -> found.export(device(512), URI.create("nbd+unix:///b?socket=" + socket())))
        .hasMessageContaining("taken");
    try (NbdClient onB = connect(b.address())) {
      assertThat(onB.size()).isEqualTo(1024);
      a.close();
      assertThatThrownBy(() -> connect(a.address())).hasMessageContaining("no such export");
      onB.read(0, ByteBuffer.allocate(512));
    }
    b.close();
    b.close();
    assertThat(Files.exists(socket())).isFalse();
  }

  private static void write(NbdClient client) {
    try {
      client.write(0, ByteBuffer.allocate(512));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void close(NbdServer server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
