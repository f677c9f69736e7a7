package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.admin.AdminException;
import dev.obd.backstore.admin.AdminServer;
import dev.obd.backstore.admin.Answer;
import dev.obd.backstore.admin.Route;
import dev.obd.cli.RecordRun.Ended;
import dev.obd.cli.RecordRun.Recorded;
import dev.obd.cli.control.DaemonClient;
import dev.obd.io.Ticker;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DeviceRecordingTest {
  @Test
  void aDaemonThatCannotSayWhetherTheStartIsOverEndsTheRecordingAndItIsKept() throws Exception {
    byte[] trace = TraceFile.encode(Trace.of(List.of(new Access(0, 0, 4096))));
    var looks = new AtomicInteger();
    var routes =
        List.of(
            new Route(
                "GET",
                "/v1/devices",
                _ -> Answer.json(Map.of("devices", List.of(Map.of("id", "d", "source", "app"))))),
            new Route(
                "GET",
                "/v1/devices/{id}",
                _ -> {
                  if (looks.getAndIncrement() == 0) {
                    return Answer.json(Map.of("id", "d", "source", "app"));
                  }
                  throw new AdminException(500, "broken", "cannot say", "look at the log");
                }),
            new Route("POST", "/v1/devices/{id}/recording", _ -> Answer.json(Map.of())),
            new Route(
                "DELETE",
                "/v1/devices/{id}/recording",
                _ ->
                    Answer.json(
                        Map.of("trace", Base64.getEncoder().encodeToString(trace), "dropped", 0))));
    try (TestHome home = new TestHome()) {
      Path socket = home.resolve("s");
      try (var _ = AdminServer.unix(socket, Optional.empty(), routes);
          DaemonClient client = new DaemonClient(socket);
          Interrupt interrupt = new Interrupt()) {
        Recorded recorded =
            new DeviceRecording(client, "d")
                .run(
                    RecordTime.parse("auto", Duration.ofSeconds(60)),
                    interrupt,
                    new Terminal(new PrintWriter(new StringWriter()), false, Ticker.SYSTEM));
        assertThat(recorded.trace().bytes()).isEqualTo(4096);
        assertThat(recorded.ended()).isEqualTo(Ended.FAILURE);
        assertThat(recorded.problem().orElseThrow()).hasMessageContaining("cannot say");
      }
    }
  }
}
