package dev.obd.backstore.nbd;

/** What a handshake agreed on. */
record Session(NbdExport export, boolean structured, boolean baseAllocation) {}
