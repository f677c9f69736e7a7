package dev.obd.backstore.cache;

/** What every blob of one cache shares. */
record CacheContext(
    CacheConfig config,
    CacheFiles files,
    HolePuncher puncher,
    Capacity capacity,
    DiskHealth health,
    CacheStats stats) {}
