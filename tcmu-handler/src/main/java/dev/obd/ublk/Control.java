package dev.obd.ublk;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.IoUring;
import dev.obd.nativeio.Mapping;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * {@code /dev/ublk-control}: devices are made, started, stopped and removed here. Every command
 * waits for the kernel, at most for its limit, so it belongs on a platform thread. For one thread.
 */
final class Control implements Closeable {
  static final Path DEVICE = Path.of("/dev/ublk-control");

  /** The kernel does all this at once, unless it is stuck with another device. */
  private static final Duration LIMIT = Duration.ofSeconds(30);

  // struct ublksrv_ctrl_cmd: device 0, queue 4, length 6, address 8, data 16
  private static final int QUEUE_AT = 4;
  private static final int LENGTH_AT = 6;
  private static final int ADDRESS_AT = 8;
  private static final int DATA_AT = 16;
  private static final int PAGE_BYTES = 4096;
  private static final int FEATURES_BYTES = Long.BYTES;
  private static final int ANY = -1;

  /** The commands we use, encoded as by {@code _IOR} and {@code _IOWR}. */
  private enum Command {
    GET_DEV_INFO(0x8020_7502),
    ADD_DEV(0xc020_7504),
    START_DEV(0xc020_7506),
    STOP_DEV(0xc020_7507),
    SET_PARAMS(0xc020_7508),
    GET_PARAMS(0x8020_7509),
    START_USER_RECOVERY(0xc020_7510),
    END_USER_RECOVERY(0xc020_7511),
    GET_FEATURES(0x8020_7513),
    DEL_DEV_ASYNC(0x8020_7514),
    UPDATE_SIZE(0xc020_7515);

    private final int number;

    Command(int number) {
      this.number = number;
    }
  }

  private final Fd device;
  private final IoUring ring;
  private Mapping page;
  private long lastToken;

  private Control(Fd device, IoUring ring, Mapping page) {
    this.device = device;
    this.ring = ring;
    this.page = page;
  }

  static Control open() throws IOException {
    Fd device = Fd.open(DEVICE, Fd.READ_WRITE);
    IoUring ring = null;
    try {
      ring = IoUring.create(2);
      return new Control(device, ring, Mapping.anonymous(PAGE_BYTES));
    } catch (IOException e) {
      if (ring != null) {
        ring.close();
      }
      device.close();
      throw e;
    }
  }

  /** See {@link Features}. */
  long features() throws IOException {
    clear();
    call(Command.GET_FEATURES, ANY, FEATURES_BYTES, 0);
    return page.buffer().getLong(0);
  }

  /** Makes a device, which has a {@code /dev/ublkcN} then. The kernel may have changed wishes. */
  DeviceInfo add(DeviceInfo wanted) throws IOException {
    wanted.encode(clear());
    call(Command.ADD_DEV, wanted.number(), DeviceInfo.BYTES, 0);
    return DeviceInfo.decode(page.buffer());
  }

  /** Empty if there is no such device. */
  Optional<DeviceInfo> info(int number) throws IOException {
    clear();
    try {
      call(Command.GET_DEV_INFO, number, DeviceInfo.BYTES, 0);
    } catch (ErrnoException e) {
      if (e.is(Errno.ENODEV)) {
        return Optional.empty();
      }
      throw e;
    }
    return Optional.of(DeviceInfo.decode(page.buffer()));
  }

  void setParameters(int number, Parameters parameters, int maxRequestBytes) throws IOException {
    parameters.encode(clear(), maxRequestBytes);
    call(Command.SET_PARAMS, number, Parameters.BYTES, 0);
  }

  Parameters parameters(int number) throws IOException {
    Parameters.request(clear());
    call(Command.GET_PARAMS, number, Parameters.BYTES, 0);
    return Parameters.decode(page.buffer());
  }

  /** Makes {@code /dev/ublkbN} of a device whose queue is there. */
  void start(int number, long process) throws IOException {
    call(Command.START_DEV, number, 0, process);
  }

  /**
   * Removes a device that nobody serves, with what waits for it. Its number is free when the last
   * who has it open is gone.
   */
  void remove(int number) throws IOException {
    call(Command.STOP_DEV, number, 0, 0);
    call(Command.DEL_DEV_ASYNC, number, 0, 0);
  }

  /**
   * Readies a device whose process has died for another one.
   *
   * @throws ErrnoException EBUSY while it has not died; EINVAL if this was called before and the
   *     process that did has not gone on
   */
  void startRecovery(int number) throws IOException {
    call(Command.START_USER_RECOVERY, number, 0, 0);
  }

  /** Lets the requests that wait come to this process, whose queue is there. */
  void endRecovery(int number, long process) throws IOException {
    call(Command.END_USER_RECOVERY, number, 0, process);
  }

  /** Changes the size; needs {@link Features#UPDATE_SIZE}. */
  void updateSize(int number, long sectors) throws IOException {
    call(Command.UPDATE_SIZE, number, 0, sectors);
  }

  /** The memory for a command's structure, zeros. */
  private ByteBuffer clear() {
    ByteBuffer all = page.buffer();
    for (int i = 0; i < PAGE_BYTES; i += Long.BYTES) {
      all.putLong(i, 0);
    }
    return all;
  }

  private void call(Command command, int number, int bytes, long data) throws IOException {
    long token = ++lastToken;
    ByteBuffer fields = ring.command(device, command.number, token);
    fields.putInt(0, number).putShort(QUEUE_AT, (short) ANY).putShort(LENGTH_AT, (short) bytes);
    fields.putLong(ADDRESS_AT, bytes == 0 ? 0 : page.address()).putLong(DATA_AT, data);
    Optional<Integer> result = await(token);
    if (result.isEmpty()) {
      page = Mapping.anonymous(PAGE_BYTES); // the kernel may still write to the other one
      throw new IOException(
          described(command, number) + ": no answer within " + LIMIT.toSeconds() + " s");
    }
    if (result.get() < 0) {
      throw new ErrnoException(described(command, number), -result.get());
    }
  }

  private static String described(Command command, int number) {
    return "ublk " + command + (number == ANY ? "" : " of device " + number);
  }

  /** The result of the command with this token; those that nobody waits for any more pass. */
  private Optional<Integer> await(long token) throws IOException {
    var found = new Integer[1];
    do {
      if (!ring.await(LIMIT)) {
        return Optional.empty();
      }
      ring.reap((completed, result) -> {
        if (completed == token) {
          found[0] = result;
        }
      });
    } while (found[0] == null);
    return Optional.of(found[0]);
  }

  @Override
  public void close() throws IOException {
    ring.close();
    device.close();
    page.close();
  }
}
