package dev.obd.tcmu;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.DeviceFrontend;
import dev.obd.backstore.device.Export;
import dev.obd.tcmu.configfs.DeviceName;
import dev.obd.tcmu.configfs.KernelPaths;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Shows a device as a SCSI disk, {@code /dev/sdX}, through TCMU and the SCSI loopback. Scheme
 * {@code tcmu}: {@code tcmu:///name}, the name being letters, digits, {@code -} and {@code _}.
 * Needs root. Thread-safe.
 */
public final class TcmuFrontend implements DeviceFrontend {
  @Override
  public String scheme() {
    return "tcmu";
  }

  @Override
  public Optional<String> unavailableBecause() {
    return Requirements.missing(KernelPaths.SYSTEM);
  }

  @Override
  public Optional<String> unavailableBecause(URI where) {
    try {
      name(where);
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
    return unavailableBecause();
  }

  @Override
  public Export export(BlockDevice device, URI where) throws IOException, InterruptedException {
    DeviceName name = name(where);
    requireAvailable(where);
    TcmuExport export = TcmuExport.prepare(name, device);
    try {
      export.create();
      return export;
    } catch (IOException | InterruptedException | RuntimeException e) {
      export.forget();
      throw e;
    }
  }

  @Override
  public Optional<Export> resume(BlockDevice device, URI where, String address)
      throws IOException, InterruptedException {
    DeviceName name = name(where);
    if (unavailableBecause().isPresent()
        || !UioDevice.list(KernelPaths.SYSTEM).containsValue(name)) {
      return Optional.empty();
    }
    TcmuExport export = TcmuExport.prepare(name, device); // which takes it over
    try {
      export.awaitServed();
      return Optional.of(export);
    } catch (IOException | InterruptedException | RuntimeException e) {
      export.forget();
      throw e;
    }
  }

  @Override
  public List<String> clearStale(URI where) throws IOException {
    DeviceName name = name(where);
    for (Map.Entry<Integer, DeviceName> found : UioDevice.list(KernelPaths.SYSTEM).entrySet()) {
      if (found.getValue().equals(name)) {
        if (StaleDevices.isServed(found.getKey())) {
          return List.of();
        }
        OwnDevices.remove(name.device(), true);
        return List.of("TCMU device " + name.device());
      }
    }
    return List.of();
  }

  private void requireAvailable(URI where) throws IOException {
    Optional<String> missing = unavailableBecause();
    if (missing.isPresent()) {
      throw new IOException("cannot serve " + where + ": " + missing.get());
    }
  }

  private static DeviceName name(URI where) throws IOException {
    String path = where.getPath();
    if (path == null || !path.startsWith("/") || where.getHost() != null) {
      throw new IOException("expected tcmu:///name, got " + where);
    }
    String name = path.substring(1);
    OwnDevices.requireName(name);
    return new DeviceName(OwnDevices.HBA, name, ExportedDisks.SUBTYPE + "/" + name);
  }
}
