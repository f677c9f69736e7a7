package dev.obd.backstore.nbd;

/** Numbers of the NBD protocol, big endian on the wire; tables in docs/formats/nbd.md. */
final class Protocol {
  static final int DEFAULT_PORT = 10809;

  /** Strings of the handshake are at most this long, by the protocol. */
  static final int MAX_STRING = 4096;

  /** Longest read or write payload we take, and advertise. */
  static final int MAX_PAYLOAD = 32 << 20;

  static final int PREFERRED_BLOCK = 4096;

  // Handshake.
  static final long NBD_MAGIC = 0x4e42_444d_4147_4943L; // "NBDMAGIC"
  static final long OPTION_MAGIC = 0x4948_4156_454f_5054L; // "IHAVEOPT"
  static final long OPTION_REPLY_MAGIC = 0x0003_e889_0455_65a9L;
  static final int FIXED_NEWSTYLE = 1;
  static final int NO_ZEROES = 2;

  static final int OPT_EXPORT_NAME = 1;
  static final int OPT_ABORT = 2;
  static final int OPT_LIST = 3;
  static final int OPT_STARTTLS = 5;
  static final int OPT_INFO = 6;
  static final int OPT_GO = 7;
  static final int OPT_STRUCTURED_REPLY = 8;
  static final int OPT_LIST_META_CONTEXT = 9;
  static final int OPT_SET_META_CONTEXT = 10;

  static final int REP_ACK = 1;
  static final int REP_SERVER = 2;
  static final int REP_INFO = 3;
  static final int REP_META_CONTEXT = 4;
  static final int REP_ERROR = 1 << 31;
  static final int REP_ERR_UNSUP = REP_ERROR | 1;
  static final int REP_ERR_INVALID = REP_ERROR | 3;
  static final int REP_ERR_UNKNOWN = REP_ERROR | 6;
  static final int REP_ERR_TOO_BIG = REP_ERROR | 9;

  static final int INFO_EXPORT = 0;
  static final int INFO_NAME = 1;
  static final int INFO_BLOCK_SIZE = 3;

  static final int FLAG_HAS_FLAGS = 1;
  static final int FLAG_READ_ONLY = 1 << 1;
  static final int FLAG_SEND_FLUSH = 1 << 2;
  static final int FLAG_SEND_FUA = 1 << 3;
  static final int FLAG_SEND_TRIM = 1 << 5;
  static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
  static final int FLAG_SEND_DF = 1 << 7;
  static final int FLAG_CAN_MULTI_CONN = 1 << 8;
  static final int FLAG_SEND_CACHE = 1 << 10;
  static final int FLAG_SEND_FAST_ZERO = 1 << 11;

  // Transmission.
  static final int REQUEST_MAGIC = 0x2560_9513;
  static final int SIMPLE_REPLY_MAGIC = 0x6744_6698;
  static final int STRUCTURED_REPLY_MAGIC = 0x668e_33ef;
  static final int REQUEST_BYTES = 28;
  static final int SIMPLE_REPLY_BYTES = 16;
  static final int CHUNK_HEADER_BYTES = 20;

  static final int CMD_READ = 0;
  static final int CMD_WRITE = 1;
  static final int CMD_DISC = 2;
  static final int CMD_FLUSH = 3;
  static final int CMD_TRIM = 4;
  static final int CMD_CACHE = 5;
  static final int CMD_WRITE_ZEROES = 6;
  static final int CMD_BLOCK_STATUS = 7;

  static final int CMD_FLAG_FUA = 1;
  static final int CMD_FLAG_NO_HOLE = 1 << 1;
  static final int CMD_FLAG_DF = 1 << 2;
  static final int CMD_FLAG_REQ_ONE = 1 << 3;
  static final int CMD_FLAG_FAST_ZERO = 1 << 4;

  static final int CHUNK_DONE = 1;
  static final int CHUNK_OFFSET_DATA = 1;
  static final int CHUNK_OFFSET_HOLE = 2;
  static final int CHUNK_BLOCK_STATUS = 5;
  static final int CHUNK_ERROR = 1 << 15 | 1;

  static final String BASE_ALLOCATION = "base:allocation";
  static final int BASE_ALLOCATION_ID = 1;
  static final int STATE_HOLE = 1;
  static final int STATE_ZERO = 2;

  private Protocol() {}
}
