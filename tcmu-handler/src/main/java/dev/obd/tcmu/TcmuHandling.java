package dev.obd.tcmu;

import dev.obd.backstore.device.HandledDevice;
import dev.obd.backstore.device.Handling;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.Lun;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The handler at work for one source. */
final class TcmuHandling implements Handling {
  private final SharedService.Lease lease;

  TcmuHandling(SharedService.Lease lease) {
    this.lease = lease;
  }

  @Override
  public HandledDevice create(String name, String config) throws IOException, InterruptedException {
    OwnDevices.requireName(name);
    var device = new DeviceName(OwnDevices.HBA, name, config);
    if (!lease.source().claims(device)) {
      throw new IOException(name + ": nobody serves devices of " + config);
    }
    make(device);
    return lease
        .service()
        .find(device)
        .map(TcmuDevice::describe)
        .orElseThrow(() -> new IOException(name + " was removed at once"));
  }

  /** Makes {@code device}; its source opens it. */
  void make(DeviceName device) throws IOException, InterruptedException {
    try {
      lease.service().environment().tree().create(OwnDevices.of(device));
    } catch (IOException e) {
      Optional<String> why = lease.service().takeRefusal(device);
      if (why.isPresent()) {
        throw new IOException(device.device() + ": " + why.get(), e);
      }
      throw e;
    } catch (IllegalArgumentException e) {
      throw new IOException(device.device() + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void remove(String name, boolean force) throws IOException {
    OwnDevices.remove(name, force);
  }

  @Override
  public Optional<String> resized(String name) throws IOException {
    List<TcmuDevice> named =
        lease.service().devices(lease.source()).stream()
            .filter(d -> d.name().device().equals(name))
            .toList();
    TcmuDevice device =
        named.stream()
            .filter(d -> d.name().hba() == OwnDevices.HBA)
            .findFirst()
            .or(() -> named.stream().findFirst())
            .orElseThrow(() -> new IOException("there is no device " + name));
    return resized(device);
  }

  Optional<String> resized(TcmuDevice device) throws IOException {
    var tree = lease.service().environment().tree();
    device.resize(bytes -> tree.resize(device.name(), bytes));
    Optional<Lun> lun = device.lun();
    if (lun.isEmpty() || lun.get().sysfs().isEmpty()) {
      return Optional.of("the kernel knows; " + device.name().device() + " has no disk yet");
    }
    tree.rescan(lun.get());
    return Optional.empty();
  }

  @Override
  public List<HandledDevice> devices() {
    return lease.service().devices(lease.source()).stream().map(TcmuDevice::describe).toList();
  }

  @Override
  public void close() throws IOException {
    lease.close();
  }
}
