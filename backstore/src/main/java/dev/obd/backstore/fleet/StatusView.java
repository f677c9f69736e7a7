package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.fleet.DeviceStatus.State;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Puts together what the open devices, the attachments and the kernel's handler know. */
final class StatusView {
  private final String subtype;
  private final OpenDevices devices;
  private final Attachments attachments;
  private final Openings openings;
  private final Doors doors;
  private final Map<String, DeviceStatus> all = new LinkedHashMap<>();

  StatusView(
      String subtype,
      OpenDevices devices,
      Attachments attachments,
      Openings openings,
      Doors doors) {
    this.subtype = subtype;
    this.devices = devices;
    this.attachments = attachments;
    this.openings = openings;
    this.doors = doors;
  }

  List<DeviceStatus> all() {
    attachments.all().forEach(this::add);
    devices.all().forEach(this::add);
    doors.handling().ifPresent(handling -> handling.devices().forEach(this::add));
    return List.copyOf(all.values());
  }

  private void add(Attached a) {
    Attachment record = a.record;
    Openings.History history = openings.of(subtype + "/" + record.name());
    Optional<String> error =
        a.state instanceof State.Parked(String reason, int _)
            ? Optional.of(reason)
            : history.lastError();
    all.put(
        record.name(),
        new DeviceStatus(
            record.name(),
            record.source(),
            Optional.empty(),
            Optional.of(record),
            a.state,
            Optional.of(record.node()).filter(node -> !node.isEmpty()),
            Optional.empty(),
            history.opens(),
            error,
            Optional.empty()));
  }

  private void add(OpenDevice d) {
    DeviceStatus known = all.get(d.id());
    Openings.History history = openings.ofDevice(d.id());
    boolean attaching = known != null && known.state() instanceof State.Opening;
    all.put(
        d.id(),
        new DeviceStatus(
            d.id(),
            d.source(),
            d.devId(),
            known == null ? Optional.empty() : known.attachment(),
            attaching ? new State.Opening() : new State.Serving(),
            known == null ? Optional.empty() : known.node(),
            Optional.of(d.since()),
            Math.max(1, history.opens()),
            history.lastError(),
            Optional.of(d.live())));
  }

  /** The handler knows nodes, and devices that are not open. */
  private void add(HandledDevice h) {
    Optional<OpenDevice> open =
        h.state() instanceof HandledDevice.State.Serving(BlockDevice device)
            ? devices.of(device)
            : Optional.empty();
    String id = open.map(OpenDevice::id).orElseGet(() -> idOf(h.config()));
    DeviceStatus known = all.get(id);
    State state =
        switch (h.state()) {
          case HandledDevice.State.Opening _ -> new State.Opening();
          case HandledDevice.State.Serving _ -> known == null ? new State.Serving() : known.state();
          case HandledDevice.State.Parked(String reason, int tries) ->
              new State.Parked(reason, tries);
          case HandledDevice.State.Ended(String reason) -> new State.Ended(reason);
        };
    Openings.History history = openings.of(h.config());
    all.put(
        id,
        new DeviceStatus(
            id,
            known == null ? id : known.source(),
            known == null ? devIdOf(h.config()) : known.devId(),
            known == null ? Optional.empty() : known.attachment(),
            state,
            h.node().map(Path::toString).or(() -> known == null ? Optional.empty() : known.node()),
            known == null ? Optional.empty() : known.since(),
            history.opens(),
            history.lastError(),
            known == null ? Optional.empty() : known.live()));
  }

  private static String idOf(String config) {
    String rest = config.substring(config.indexOf('/') + 1);
    int semicolon = rest.indexOf(';');
    return semicolon < 0 ? rest : rest.substring(0, semicolon);
  }

  private static Optional<String> devIdOf(String config) {
    int semicolon = config.indexOf(';');
    return semicolon < 0 ? Optional.empty() : Optional.of(config.substring(semicolon + 1));
  }
}
