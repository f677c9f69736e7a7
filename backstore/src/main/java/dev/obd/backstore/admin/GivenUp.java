package dev.obd.backstore.admin;

/**
 * Interrupts the thread that works on an answer if the client hangs up before it is closed. Only
 * for work that undoes itself then.
 */
final class GivenUp implements AutoCloseable {
  private final Thread worker = Thread.currentThread();
  private boolean over; // guarded by this

  GivenUp(Client client) {
    client.whenGone(this::interrupt);
  }

  private synchronized void interrupt() {
    if (!over) {
      worker.interrupt();
    }
  }

  /** The thread goes back to its pool: an interrupt that came too late must not stay on it. */
  @Override
  public synchronized void close() {
    over = true;
    boolean _ = Thread.interrupted();
  }
}
