package dev.obd.cli;

import java.io.IOException;

/** What is started from the image. */
interface Workload {
  /** One line: how the image is read. */
  String describe();

  /** Starts from an attached image and returns what it said, when it has ended. */
  String run(Attachment attachment) throws IOException, InterruptedException;
}
