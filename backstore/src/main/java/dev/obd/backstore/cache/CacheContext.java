package dev.obd.backstore.cache;

import java.util.concurrent.atomic.AtomicLong;

/** What every blob of one cache shares. */
record CacheContext(
    CacheConfig config,
    CacheFiles files,
    HolePuncher puncher,
    Capacity capacity,
    DiskHealth health,
    CacheStats stats,
    Scratches scratches,
    AtomicLong draftBytes,
    Uses uses) {}
