package dev.obd.backstore.download;

/**
 * How far a {@link Fetch} is.
 *
 * @param blobs that are to be here
 * @param verifiedBlobs of them that are, and whose digest was found right
 * @param bytes of all blobs
 * @param hereBytes of them that are here
 * @param hereBefore of them that were here at the beginning
 * @param fetchedBytes brought since then; more than what was missing if a blob had to be brought
 *     again
 */
public record FetchStatus(
    int blobs, int verifiedBlobs, long bytes, long hereBytes, long hereBefore, long fetchedBytes) {}
