package dev.obd.backstore.admin;

import java.io.IOException;

/** Answers requests of one route. */
@FunctionalInterface
public interface Handler {
  /**
   * Called on a platform thread, by several at once; may take its time.
   *
   * @throws AdminException to say what is wrong with the request
   * @throws IOException if it failed: 500 with its message
   */
  Answer answer(Asked asked) throws IOException, InterruptedException;
}
