package dev.obd.fuse;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Completion;
import dev.obd.backstore.device.Request;
import dev.obd.backstore.device.Status;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Requests to the device on threads of this front-end. They are platform threads: the kernel holds
 * locks of its own while it waits for some answers (attaching a loop device waits for an FSYNC), so
 * an answer may not depend on a virtual thread finding a carrier. All carriers may be inside native
 * calls that wait for that very lock; starting a program is such a call.
 *
 * @param workers runs each task on a platform thread of its own, at once; tasks wait
 */
record DeviceCalls(BlockDevice device, Executor workers) {
  long size() {
    return device.size();
  }

  boolean writable() {
    return device.writable();
  }

  /**
   * Starts {@code request}.
   *
   * @param mayStay it may run on the calling thread; else this does not wait
   */
  void submit(Request request, Completion completion, boolean mayStay) {
    device.submit(request, completion, mayStay ? Runnable::run : workers);
  }

  /**
   * Runs {@code request} and waits for its end. After {@link Status#TIMED_OUT} its buffer or list
   * is not to be used again.
   */
  Status serve(Request request) {
    var end = new CompletableFuture<Status>();
    device.submit(
        request,
        new Completion() {
          @Override
          public void done(Status status) {
            end.complete(status);
          }

          @Override
          public void overdue() {
            end.complete(Status.TIMED_OUT);
          }
        },
        workers);
    return end.join();
  }

  /** Runs {@code task}, which may wait, on a thread of its own. */
  void later(Runnable task) {
    workers.execute(task);
  }
}
