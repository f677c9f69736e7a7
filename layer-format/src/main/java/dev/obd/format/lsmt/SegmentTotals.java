package dev.obd.format.lsmt;

/**
 * What the segments of an index add up to.
 *
 * @param dataSegments segments that have data
 * @param zeroedSegments segments that read as zeros and have none
 * @param dataBytes bytes of the disk that are data
 * @param zeroedBytes bytes of the disk that are stated zeros
 */
public record SegmentTotals(
    int dataSegments, int zeroedSegments, long dataBytes, long zeroedBytes) {
  /** Adds up an index. */
  public static SegmentTotals of(SegmentIndex index) {
    int dataSegments = 0;
    int zeroedSegments = 0;
    long dataSectors = 0;
    long zeroedSectors = 0;
    for (int i = 0; i < index.count(); i++) {
      int sectors = Segment.length(index.word0(i));
      if (Segment.zeroed(index.word1(i))) {
        zeroedSegments++;
        zeroedSectors += sectors;
      } else {
        dataSegments++;
        dataSectors += sectors;
      }
    }
    return new SegmentTotals(
        dataSegments, zeroedSegments, dataSectors * Segment.SECTOR, zeroedSectors * Segment.SECTOR);
  }
}
