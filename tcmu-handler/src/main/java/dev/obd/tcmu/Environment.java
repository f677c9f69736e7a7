package dev.obd.tcmu;

import dev.obd.io.Ticker;
import dev.obd.tcmu.configfs.DeviceTree;
import dev.obd.tcmu.configfs.KernelPaths;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;

/**
 * What all devices of a process share.
 *
 * @param lifecycle runs each task on a platform thread of its own, at once: opening, closing
 * @param workers the same for commands
 * @param opening one permit per image that may be opened at the same time
 * @param heldPatience how long commands wait for a disk that does not open
 */
record Environment(
    KernelPaths paths,
    DeviceTree tree,
    Ticker ticker,
    Executor lifecycle,
    Executor workers,
    Semaphore opening,
    Duration heldPatience) {}
