package dev.obd.cli;

import com.google.gson.JsonObject;
import dev.obd.cli.RecordRun.Ended;
import dev.obd.cli.RecordRun.Recorded;
import dev.obd.cli.control.DaemonClient;
import dev.obd.trace.Trace;
import dev.obd.trace.TraceFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;

/** A recording of a device that the daemon serves. */
final class DeviceRecording {
  private final DaemonClient client;
  private final String id;
  private final String source;

  /** Finds the device. */
  DeviceRecording(DaemonClient client, String what) throws IOException {
    this.client = client;
    this.id = DeviceNames.find(client, what);
    this.source = DeviceNames.text(client.get(DaemonClient.path("/v1/devices/", id)), "source");
  }

  /** What the device was made from. */
  String source() {
    return source;
  }

  /** Records until the time is over, the start is, or a signal comes. */
  Recorded run(RecordTime until, Interrupt interrupt, Terminal terminal)
      throws IOException, InterruptedException {
    String path = DaemonClient.path("/v1/devices/", id, "/recording");
    client.send("POST", path, Map.of());
    terminal.say("recording " + id + " (" + source + ")");
    Ended ended = Ended.FAILURE;
    Optional<IOException> problem = Optional.empty();
    JsonObject recorded;
    try {
      ended = until.await(interrupt, this::isStartOver);
    } catch (IOException e) { // must not cost the recording
      problem = Optional.of(e);
    } finally {
      recorded = client.send("DELETE", path, null);
    }
    Trace trace =
        TraceFile.decode(
            id, ByteBuffer.wrap(Base64.getDecoder().decode(DeviceNames.text(recorded, "trace"))));
    return new Recorded(
        timed(trace, recorded), 0, recorded.get("dropped").getAsLong(), ended, null, problem);
  }

  private boolean isStartOver() throws IOException {
    JsonObject device = client.get(DaemonClient.path("/v1/devices/", id));
    return device.has("live")
        && device.getAsJsonObject("live").has("recording")
        && device.getAsJsonObject("live").getAsJsonObject("recording").has("startOver")
        && device
            .getAsJsonObject("live")
            .getAsJsonObject("recording")
            .get("startOver")
            .getAsBoolean();
  }

  /** With the times, if the daemon notes them. */
  private static Trace timed(Trace trace, JsonObject recorded) {
    if (!recorded.has("micros")) {
      return trace;
    }
    byte[] bytes = Base64.getDecoder().decode(DeviceNames.text(recorded, "micros"));
    long[] micros = new long[bytes.length / Long.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(micros);
    return trace.withMicros(micros);
  }
}
