package dev.obd.backstore.download;

import dev.obd.io.Ticker;
import java.util.concurrent.Executor;
import java.util.function.DoubleSupplier;

/**
 * What all downloads of a process share.
 *
 * @param executor runs one task per image, which blocks
 * @param jitter numbers in [0, 1) that spread the beginnings; thread-safe
 * @param freeReserveBytes free space that downloads leave to others on the layers' file system
 */
public record DownloadContext(
    Executor executor,
    Ticker ticker,
    DoubleSupplier jitter,
    BusyDirectories busy,
    long freeReserveBytes) {}
