package dev.obd.tcmu.scsi;

import dev.obd.backstore.device.BlockDevice;
import dev.obd.backstore.device.Request;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * A SCSI direct-access device over a {@link BlockDevice}: docs/formats/scsi.md says which commands
 * it knows and what it answers. Thread-safe; does not own the device. Blocks are of 512 bytes; the
 * size is asked of the device at each command.
 */
public final class ScsiDisk {
  private static final int EVPD = 0x01;
  private static final int START = 0x01;
  private static final int LOAD_EJECT = 0x02;
  private static final int NO_FLUSH = 0x04;
  private static final int POWER_CONDITION = 0xF0;
  private static final int MOST_PREVENT = 1; // the other two are for medium changers

  private final BlockDevice device;
  private final Identity identity;
  private final Executor workers;
  private final Service service;
  private final Transfers transfers;
  private final Verification verification;
  private final Changes changes;
  private final ModePages modePages;

  /**
   * A disk whose changes all go through it: COMPARE AND WRITE does not see those on other ways.
   *
   * @param workers runs each task on a platform thread of its own, at once; tasks wait
   */
  public ScsiDisk(BlockDevice device, Identity identity, Executor workers) {
    this.device = device;
    this.identity = identity;
    this.workers = workers;
    this.service = Service.of(device, workers);
    this.transfers = new Transfers(service);
    this.verification = new Verification(service);
    this.changes = new Changes(service);
    this.modePages = new ModePages(device.writable());
  }

  /** {@link #submit(byte[], List, boolean, CommandDone)} that does not wait. */
  public void submit(byte[] cdb, List<ByteBuffer> data, CommandDone done) {
    submit(cdb, data, false, done);
  }

  /**
   * Runs a command. Never throws; whatever the bytes are, there is an answer.
   *
   * @param cdb the command, which the disk does not copy
   * @param data the command's data between positions and limits, in order; direct. Belongs to the
   *     disk until {@link CommandDone#done}
   * @param mayWait the command may run on this thread, which waits for the device then; else this
   *     returns without waiting for anything
   */
  public void submit(byte[] cdb, List<ByteBuffer> data, boolean mayWait, CommandDone done) {
    var command = new Command(new Cdb(cdb), new DataBuffers(data), done);
    try {
      start(command, mayWait ? Runnable::run : workers);
    } catch (Refusal e) {
      command.answer(e.result());
    } catch (RuntimeException | Error e) {
      command.broken(e);
    }
  }

  private void start(Command command, Executor threads) throws Refusal {
    Cdb cdb = command.cdb();
    Opcode opcode = Opcode.of(cdb);
    if (opcode == null) {
      throw new Refusal(Sense.INVALID_OPCODE);
    }
    switch (opcode) {
      case READ_6, READ_10, READ_12, READ_16 -> transfers.read(command, threads);
      case WRITE_6, WRITE_10, WRITE_12, WRITE_16 -> transfers.write(command, threads);
      case SYNCHRONIZE_CACHE_10, SYNCHRONIZE_CACHE_16 -> {
        Blocks.of(device, cdb.lba(), cdb.blocks());
        flush(command, threads);
      }
      case WRITE_SAME_10 -> changes.writeSame(command, false, threads);
      case WRITE_SAME_16 -> changes.writeSame(command, true, threads);
      case UNMAP -> changes.unmap(command, threads);
      case COMPARE_AND_WRITE -> changes.compareAndWrite(command, threads);
      case VERIFY_10, VERIFY_12, VERIFY_16 -> verification.start(command, threads);
      case START_STOP_UNIT -> startStop(command, threads);
      case TEST_UNIT_READY -> command.answer(ScsiResult.good(0));
      case PREVENT_ALLOW_MEDIUM_REMOVAL -> {
        if ((cdb.u8(4) & 3) > MOST_PREVENT) {
          throw new Refusal(Sense.INVALID_FIELD);
        }
        command.answer(ScsiResult.good(0)); // it never leaves
      }
      case INQUIRY -> inquiry(command, threads);
      case MODE_SENSE_6 -> answer(command, modePages.sense(cdb, false), cdb.u8(4));
      case MODE_SENSE_10 -> answer(command, modePages.sense(cdb, true), cdb.u16(7));
      case MODE_SELECT_6 -> modeSelect(command, false);
      case MODE_SELECT_10 -> modeSelect(command, true);
      case REQUEST_SENSE -> answer(command, Facts.pendingSense(cdb), cdb.u8(4));
      case READ_CAPACITY_10 -> answer(command, Facts.capacity10(device), Integer.MAX_VALUE);
      case READ_CAPACITY_16 -> answer(command, Facts.capacity16(device), cdb.u32(10));
      case REPORT_LUNS -> answer(command, Facts.logicalUnits(cdb), cdb.u32(6));
      case REPORT_SUPPORTED_OPERATION_CODES ->
          answer(command, SupportedOpcodes.report(cdb), cdb.u32(6));
    }
  }

  private void flush(Command command, Executor threads) {
    service.submit(command, Direction.OUT, 0, List.of(new Request.Flush()), threads);
  }

  private void startStop(Command command, Executor threads) throws Refusal {
    Cdb cdb = command.cdb();
    if (cdb.bit(4, POWER_CONDITION | LOAD_EJECT)) {
      throw new Refusal(Sense.INVALID_FIELD);
    }
    if (cdb.bit(4, START | NO_FLUSH)) {
      command.answer(ScsiResult.good(0));
    } else {
      flush(command, threads); // a stopped disk has nothing in its cache; this one runs on
    }
  }

  private void inquiry(Command command, Executor threads) throws Refusal {
    Cdb cdb = command.cdb();
    int page = cdb.u8(2);
    int allocated = cdb.u16(3);
    if (!cdb.bit(1, EVPD)) {
      if (page != 0) {
        throw new Refusal(Sense.INVALID_FIELD);
      }
      answer(command, Inquiry.standard(), allocated);
      return;
    }
    switch (page) {
      case Inquiry.SUPPORTED_PAGES -> answer(command, Inquiry.supportedPages(), allocated);
      case Inquiry.BLOCK_LIMITS -> answer(command, Inquiry.blockLimits(), allocated);
      case Inquiry.BLOCK_DEVICE_CHARACTERISTICS ->
          answer(command, Inquiry.blockDeviceCharacteristics(), allocated);
      case Inquiry.LOGICAL_BLOCK_PROVISIONING ->
          answer(command, Inquiry.logicalBlockProvisioning(), allocated);
      // The serial number lies in a file.
      case Inquiry.UNIT_SERIAL_NUMBER ->
          service.later(
              command, threads, _ -> put(command, Inquiry.unitSerialNumber(identity), allocated));
      case Inquiry.DEVICE_IDENTIFICATION ->
          service.later(
              command,
              threads,
              _ -> put(command, Inquiry.deviceIdentification(identity), allocated));
      default -> throw new Refusal(Sense.INVALID_FIELD);
    }
  }

  private void modeSelect(Command command, boolean ten) throws Refusal {
    Cdb cdb = command.cdb();
    modePages.select(cdb, command.data(), ten);
    command.answer(ScsiResult.good(ten ? cdb.u16(7) : cdb.u8(4)));
  }

  private static void answer(Command command, byte[] bytes, long allocated) {
    command.answer(put(command, bytes, allocated));
  }

  /** Puts as much of {@code bytes} as is wanted and fits; the rest of the data becomes zeros. */
  private static ScsiResult put(Command command, byte[] bytes, long allocated) {
    DataBuffers data = command.data();
    int wanted = (int) Math.min(bytes.length, allocated);
    long moved = Math.min(wanted, data.length());
    data.put(0, ByteBuffer.wrap(bytes, 0, wanted));
    data.clearFrom(moved);
    return ScsiResult.good(moved);
  }
}
