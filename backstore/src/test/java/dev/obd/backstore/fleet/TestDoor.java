package dev.obd.backstore.fleet;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.BusyException;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** A front-end whose devices nobody can open but the test. */
final class TestDoor implements DeviceFrontend {
  private final String scheme;
  private final boolean keeps;
  final Map<String, BlockDevice> exported = new ConcurrentHashMap<>();

  /** Addresses that the kernel keeps when a process dies. */
  final List<String> kept = new ArrayList<>();

  final List<URI> asked = new ArrayList<>();
  final List<URI> cleared = new ArrayList<>();
  volatile Optional<String> missing = Optional.empty();
  volatile boolean busy;
  volatile boolean broken;

  /**
   * @param keeps whether its devices outlive a process
   */
  TestDoor(String scheme, boolean keeps) {
    this.scheme = scheme;
    this.keeps = keeps;
  }

  @Override
  public String scheme() {
    return scheme;
  }

  @Override
  public Optional<String> unavailableBecause() {
    return missing;
  }

  @Override
  public Export export(BlockDevice device, URI where) throws IOException {
    asked.add(where);
    if (broken) {
      throw new IOException("this door is broken");
    }
    return export(device, "/dev/" + scheme + asked.size());
  }

  private Export export(BlockDevice device, String address) {
    exported.put(address, device);
    kept.add(address);
    return new Export() {
      @Override
      public String address() {
        return address;
      }

      @Override
      public boolean leave() {
        if (keeps) {
          exported.remove(address);
        }
        return keeps;
      }

      @Override
      public void close(boolean force) throws IOException {
        if (busy && !force) {
          throw new BusyException(address + " is in use");
        }
        exported.remove(address);
        kept.remove(address);
      }

      @Override
      public void close() throws IOException {
        close(false);
      }
    };
  }

  @Override
  public Optional<Export> resume(BlockDevice device, URI where, String address) {
    if (!keeps || !kept.remove(address)) {
      return Optional.empty();
    }
    return Optional.of(export(device, address));
  }

  @Override
  public List<String> clearStale(URI where) {
    cleared.add(where);
    return List.of();
  }
}
