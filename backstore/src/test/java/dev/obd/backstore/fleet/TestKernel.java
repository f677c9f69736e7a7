package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.DeviceHandler;
import dev.obd.backstore.device.DeviceSource;
import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.HandledDevice.State;
import dev.obd.backstore.device.Handling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A kernel that announces devices and keeps them when the process that serves them ends. */
final class TestKernel implements DeviceHandler {
  /** Name to configuration; what outlives a handling. */
  final Map<String, String> kept = new LinkedHashMap<>();

  final Set<String> busy = ConcurrentHashMap.newKeySet();
  final Map<String, Long> toldSizes = new ConcurrentHashMap<>();
  private @Nullable Handling served;
  private final Map<String, State> states = new ConcurrentHashMap<>();

  @Override
  public String name() {
    return "tcmu";
  }

  @Override
  public Optional<String> unavailableBecause() {
    return Optional.empty();
  }

  @Override
  public Handling start(DeviceSource source) {
    var handling = new Served(source);
    served = handling;
    states.clear();
    kept.forEach((name, config) -> {
      if (source.claims(config.substring(0, config.indexOf('/')))) {
        handling.open(name, config);
      }
    });
    return handling;
  }

  /** Of the process that was started last. */
  Handling current() {
    return Objects.requireNonNull(served);
  }

  static Path node(String name) {
    return Path.of("/dev/test-" + name);
  }

  final class Served implements Handling {
    private final DeviceSource source;

    Served(DeviceSource source) {
      this.source = source;
    }

    void open(String name, String config) {
      try {
        states.put(name, new State.Serving(source.open(config)));
      } catch (IOException e) {
        states.put(name, new State.Parked(String.valueOf(e.getMessage()), 1));
      }
    }

    @Override
    public HandledDevice create(String name, String config) throws IOException {
      BlockDevice device = source.open(config);
      source.prepare(device);
      kept.put(name, config);
      states.put(name, new State.Serving(device));
      return describe(name);
    }

    private HandledDevice describe(String name) {
      return new HandledDevice(
          "uio0",
          name,
          kept.getOrDefault(name, ""),
          Optional.of(node(name)),
          states.getOrDefault(name, new State.Opening()));
    }

    @Override
    public void remove(String name, boolean force) throws IOException {
      if (!kept.containsKey(name)) {
        throw new IOException("there is no device " + name);
      }
      if (busy.contains(name) && !force) {
        throw new BusyException(name + ": open by somebody");
      }
      String config = kept.remove(name);
      if (states.remove(name) instanceof State.Serving(BlockDevice device)) {
        device.close();
      }
      source.removed(config);
    }

    @Override
    public Optional<String> resized(String name) {
      if (states.get(name) instanceof State.Serving(BlockDevice device)) {
        toldSizes.put(name, device.size());
      }
      return Optional.empty();
    }

    @Override
    public List<HandledDevice> devices() {
      return states.keySet().stream().map(this::describe).toList();
    }

    @Override
    public void close() throws IOException {
      for (State state : states.values()) {
        if (state instanceof State.Serving(BlockDevice device)) {
          device.close();
        }
      }
    }
  }
}
