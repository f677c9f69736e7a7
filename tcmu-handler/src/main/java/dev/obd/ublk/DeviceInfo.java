package dev.obd.ublk;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * {@code struct ublksrv_ctrl_dev_info}: what the kernel knows of a device.
 *
 * <pre>
 * offset bytes field
 *  0     2     hardware queues
 *  2     2     requests per queue
 *  4     2     state: 0 dead, 1 live, 2 quiesced
 *  8     4     bytes of data in one request, at most
 * 12     4     device number, N of /dev/ublkbN; -1 asks for any
 * 16     4     process that serves it
 * 24     8     features
 * 32     8     the server's own, see {@link DeviceTag}
 * </pre>
 *
 * @param queues hardware queues
 * @param depth requests per queue
 * @param maxBytes of data in one request
 * @param number N of {@code /dev/ublkbN}, -1 if the kernel is to choose
 * @param process that serves it, as that process sees itself; 0 or less if there is none
 * @param features or-ed, see {@link Features}
 * @param tag whose it is
 */
record DeviceInfo(
    int queues,
    int depth,
    State state,
    int maxBytes,
    int number,
    int process,
    long features,
    long tag) {
  static final int BYTES = 64;

  private static final int DEPTH_AT = 2;
  private static final int STATE_AT = 4;
  private static final int MAX_BYTES_AT = 8;
  private static final int NUMBER_AT = 12;
  private static final int PROCESS_AT = 16;
  private static final int FEATURES_AT = 24;
  private static final int TAG_AT = 32;

  /** What becomes of requests. */
  enum State {
    /** There is no {@code /dev/ublkbN}. */
    DEAD,
    /** A process answers. */
    LIVE,
    /** They wait for the next process. */
    QUIESCED,
    /** A state that a later kernel may have. */
    OTHER;

    private static State of(int number) {
      return switch (number) {
        case 0 -> DEAD;
        case 1 -> LIVE;
        case 2 -> QUIESCED;
        default -> OTHER;
      };
    }
  }

  /** A device that is to be made, with one queue. */
  static DeviceInfo wanted(int depth, int maxBytes, int process, long features, DeviceTag tag) {
    return new DeviceInfo(1, depth, State.DEAD, maxBytes, -1, process, features, tag.bits());
  }

  static DeviceInfo decode(ByteBuffer in) {
    return new DeviceInfo(
        Short.toUnsignedInt(in.getShort(0)),
        Short.toUnsignedInt(in.getShort(DEPTH_AT)),
        State.of(in.getShort(STATE_AT)),
        in.getInt(MAX_BYTES_AT),
        in.getInt(NUMBER_AT),
        in.getInt(PROCESS_AT),
        in.getLong(FEATURES_AT),
        in.getLong(TAG_AT));
  }

  /** {@code out} holds zeros. */
  void encode(ByteBuffer out) {
    out.putShort(0, (short) queues)
        .putShort(DEPTH_AT, (short) depth)
        .putInt(MAX_BYTES_AT, maxBytes)
        .putInt(NUMBER_AT, number)
        .putInt(PROCESS_AT, process)
        .putLong(FEATURES_AT, features)
        .putLong(TAG_AT, tag);
  }

  /** Empty if another program made the device. */
  Optional<DeviceTag> ours() {
    return DeviceTag.of(tag);
  }
}
