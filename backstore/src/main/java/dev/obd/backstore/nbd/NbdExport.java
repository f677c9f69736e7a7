package dev.obd.backstore.nbd;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Request;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A device under a name, and who is connected to it. Thread-safe. */
final class NbdExport {
  private static final int SECTOR = 512;

  private final String name;
  private final BlockDevice device;
  private final @Nullable Executor threads;
  private final Set<TransmissionHandler> connections = new HashSet<>(); // guarded by this
  private boolean closed; // guarded by this

  /**
   * A device under a name.
   *
   * @param threads run its requests; null: as the device does
   */
  NbdExport(String name, BlockDevice device, @Nullable Executor threads) {
    this.name = name;
    this.device = device;
    this.threads = threads;
  }

  String name() {
    return name;
  }

  BlockDevice device() {
    return device;
  }

  void submit(Request request, Completion completion) {
    if (threads == null) {
      device.submit(request, completion);
    } else {
      device.submit(request, completion, threads);
    }
  }

  int flags(boolean structured) {
    int flags =
        Protocol.FLAG_HAS_FLAGS
            | Protocol.FLAG_CAN_MULTI_CONN // a flush covers what any connection was answered
            | Protocol.FLAG_SEND_FLUSH
            | Protocol.FLAG_SEND_CACHE
            | (structured ? Protocol.FLAG_SEND_DF : 0);
    return flags
        | (device.writable()
            ? Protocol.FLAG_SEND_FUA
                | Protocol.FLAG_SEND_TRIM
                | Protocol.FLAG_SEND_WRITE_ZEROES
                | Protocol.FLAG_SEND_FAST_ZERO
            : Protocol.FLAG_READ_ONLY);
  }

  int minimumBlock() {
    return device.writable() ? SECTOR : 1;
  }

  /** False if the export is gone. */
  synchronized boolean join(TransmissionHandler connection) {
    return !closed && connections.add(connection);
  }

  synchronized void leave(TransmissionHandler connection) {
    connections.remove(connection);
  }

  /** Lets nobody join any more; returns who is there. */
  synchronized List<TransmissionHandler> close() {
    closed = true;
    return new ArrayList<>(connections);
  }
}
