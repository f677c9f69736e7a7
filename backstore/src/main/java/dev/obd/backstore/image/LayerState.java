package dev.obd.backstore.image;

/**
 * One layer of an open image.
 *
 * @param name its digest or path
 * @param remote true if its bytes come over a network
 * @param blobBytes the whole blob
 * @param localBytes what is on this machine
 */
public record LayerState(String name, boolean remote, long blobBytes, long localBytes) {}
