package dev.obd.backstore.metrics;

import dev.obd.backstore.device.DeviceStats;
import dev.obd.backstore.device.Status;
import dev.obd.backstore.prefetch.ReplayStats;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * The devices there are now. One that is gone leaves nothing behind; of very many, all but the
 * first by name share one label.
 */
final class DeviceMetrics implements Source {
  private static final int MAX_NAMED = 256;
  private static final String OTHERS = "other";
  private static final List<Status> SERIOUS =
      List.of(Status.IO_ERROR, Status.TIMED_OUT, Status.DAMAGED, Status.NO_SPACE);

  private final Supplier<List<DeviceSample>> devices;

  DeviceMetrics(Supplier<List<DeviceSample>> devices) {
    this.devices = devices;
  }

  @Override
  public void addTo(Families families) {
    List<DeviceSample> now =
        devices.get().stream().sorted(Comparator.comparing(DeviceSample::name)).toList();
    for (String state : List.of("opening", "serving", "parked", "lost", "ended")) {
      families.gauge("obd_devices", "Devices by what they do.", 0, "state", state);
    }
    for (int i = 0; i < now.size(); i++) {
      DeviceSample device = now.get(i);
      String name = i < MAX_NAMED ? device.name() : OTHERS;
      families.gauge("obd_devices", "Devices by what they do.", 1, "state", device.state());
      device.stats().ifPresent(stats -> requests(families, name, stats));
      device.replay().ifPresent(replay -> replay(families, name, replay));
      if (device.replay().isPresent()) {
        families.gauge(
            "obd_device_outage_safe",
            "1 while all that is recorded of the device's image is on this machine.",
            device.outageSafe() ? 1 : 0,
            "device",
            name);
      }
    }
  }

  private static void requests(Families families, String device, DeviceStats stats) {
    stats
        .ops()
        .forEach((op, one) -> {
          String what = word(op);
          families.counter(
              "obd_device_bytes",
              "Bytes of requests that ended well.",
              one.bytes(),
              "device",
              device,
              "op",
              what);
          families.histogram(
              "obd_device_request_seconds",
              "How long requests took, by kind.",
              one.latency(),
              "device",
              device,
              "op",
              what);
        });
    var failures = new EnumMap<Status, Long>(Status.class);
    SERIOUS.forEach(status -> failures.put(status, 0L)); // a rate needs a beginning
    failures.putAll(stats.failures());
    failures.forEach((status, count) ->
        families.counter(
            "obd_device_failures",
            "Requests that ended otherwise than well, by how.",
            count,
            "device",
            device,
            "status",
            word(status)));
    families.gauge(
        "obd_device_in_flight", "Requests inside the disk.", stats.inFlight(), "device", device);
    families.gauge(
        "obd_device_stalled",
        "Requests that outlived their patience and have not come back.",
        stats.stuck(),
        "device",
        device);
  }

  private static void replay(Families families, String device, ReplayStats replay) {
    families.gauge(
        "obd_device_replay_running",
        "1 while the device's trace is being replayed.",
        replay.done() ? 0 : 1,
        "device",
        device);
    families.counter(
        "obd_device_replay_bytes",
        "Bytes of the ranges that the replay has asked for.",
        replay.bytes(),
        "device",
        device);
    families.counter(
        "obd_device_replay_requests",
        "Requests of the replay, by how they ended.",
        replay.requests() - replay.failed(),
        "device",
        device,
        "result",
        "ok");
    families.counter(
        "obd_device_replay_requests",
        "Requests of the replay, by how they ended.",
        replay.failed(),
        "device",
        device,
        "result",
        "failed");
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
