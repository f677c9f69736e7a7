package dev.obd.backstore.device;

/**
 * Hears how a request ended. Called once with {@link #done}, which may come before {@link
 * BlockDevice#submit} returns and on any thread; the methods must not block. For one request the
 * calls do not overlap.
 */
@FunctionalInterface
public interface Completion {
  /**
   * The device no longer touches the request's buffer. If {@link #overdue} came before, the client
   * has its answer already and this only gives the buffer back.
   */
  void done(Status status);

  /**
   * The request outlived its limit inside the disk: answer it with {@link Status#TIMED_OUT} now.
   * The disk still holds the buffer and may write to it until {@link #done} comes, late or never.
   * Only reads, caches and extents end like this.
   */
  default void overdue() {}
}
