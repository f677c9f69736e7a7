package dev.obd.backstore.device;

import java.util.List;

/**
 * What a process that serves block devices asks of the operating system for itself. Found by {@link
 * java.util.ServiceLoader}.
 */
public interface HostProcess {
  /**
   * Asks for what keeps the process from waiting for devices it serves itself: memory that is not
   * swapped out, allocations that do not wait for I/O; and for many open files, and not to be
   * chosen when memory runs out. Holds for the calling thread and the threads and programs it
   * starts from now on, so call it first.
   *
   * @return one sentence for each thing that could not be had, and what it means
   */
  List<String> prepare();
}
