package dev.obd.backstore.nbd;

import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Status;
import io.netty.buffer.ByteBuf;
import java.util.Locale;

/**
 * One request of a client, from its header to its reply. Everything happens on the connection's
 * event loop, except that the device calls {@link #done} and {@link #overdue} from where it likes.
 */
abstract class Operation implements Completion {
  final TransmissionHandler connection;
  final RequestHeader header;
  private boolean answered;

  Operation(TransmissionHandler connection, RequestHeader header) {
    this.connection = connection;
    this.header = header;
  }

  /** Asks the device of {@code export}. */
  abstract void start(NbdExport export);

  /** The reply to a request that went well; the caller owns it. */
  abstract ByteBuf reply();

  /** Gives up what the device no longer needs. Called once, after the device is done. */
  void release() {}

  @Override
  public final void done(Status status) {
    connection.onLoop(
        () -> {
          answer(status);
          release();
        },
        this::release);
  }

  @Override
  public final void overdue() {
    connection.onLoop(() -> answer(Status.TIMED_OUT), () -> {});
  }

  final boolean isAnswered() {
    return answered;
  }

  final void answer(Status status) {
    if (status == Status.OK) {
      send(answered ? null : reply());
    } else {
      fail(
          NbdError.of(status, header.changesTheDisk()),
          status.name().toLowerCase(Locale.ROOT).replace('_', ' '));
    }
  }

  final void fail(NbdError error, String reason) {
    send(answered ? null : connection.failure(header, error, reason));
  }

  private void send(@org.jspecify.annotations.Nullable ByteBuf reply) {
    if (reply != null) { // null: the client has its answer
      answered = true;
      connection.answered(this, reply);
    }
  }
}
