package dev.obd.cli.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Tools;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ServiceManagerTest {
  @Test
  void withoutOneNothingHappens() {
    ServiceManager none = ServiceManager.of(Map.of(), 1);
    none.ready("x");
    assertThat(none.watchdog()).isEmpty();
  }

  @Test
  void theWatchdogIsForWhomItSays() {
    Map<String, String> environment =
        Map.of("NOTIFY_SOCKET", "/x", "WATCHDOG_USEC", "30000000", "WATCHDOG_PID", "7");
    assertThat(ServiceManager.of(environment, 7).watchdog()).contains(Duration.ofSeconds(30));
    assertThat(ServiceManager.of(environment, 8).watchdog()).isEmpty();
  }

  @Test
  void aFileAndAnAbstractNameAreTold() throws Exception {
    Tools.requireOnPath("python3");
    Path directory = Files.createTempDirectory(Path.of("/tmp"), "obd-notify-");
    for (String name : new String[] {directory.resolve("s").toString(), "@" + directory}) {
      Process listener =
          new ProcessBuilder(
                  "python3",
                  "-u",
                  "-c",
                  "import socket,sys\n"
                      + "s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
                      + "n=sys.argv[1]\n"
                      + "s.bind('\\0'+n[1:] if n[0]=='@' else n)\n"
                      + "print('bound')\n"
                      + "for i in range(3): print(repr(s.recv(999)))\n",
                  name)
              .redirectErrorStream(true)
              .start();
      try (BufferedReader out =
          new BufferedReader(new InputStreamReader(listener.getInputStream()))) {
        assertThat(out.readLine()).isEqualTo("bound");
        ServiceManager manager = ServiceManager.of(Map.of("NOTIFY_SOCKET", name), 1);
        manager.ready("serving\n2 devices");
        manager.alive();
        manager.stopping();
        assertThat(out.readLine()).isEqualTo("b'READY=1\\nSTATUS=serving 2 devices'");
        assertThat(out.readLine()).isEqualTo("b'WATCHDOG=1'");
        assertThat(out.readLine()).isEqualTo("b'STOPPING=1'");
      } finally {
        listener.destroyForcibly().waitFor();
      }
    }
    Files.deleteIfExists(directory.resolve("s"));
    Files.delete(directory);
  }
}
