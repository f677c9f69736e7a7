package dev.obd.backstore.nbd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/** Reads the data of handshake options; every count and length in it is the client's word. */
final class OptionData {
  /** The data does not parse; the message goes to the client. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String message) {
      super(message, null, false, false);
    }
  }

  /** INFO and GO. */
  record InfoQuery(String exportName, boolean wantsName) {}

  /** LIST_META_CONTEXT and SET_META_CONTEXT. */
  record MetaQuery(String exportName, List<String> contexts) {}

  private OptionData() {}

  static InfoQuery info(ByteBuf in) throws Malformed {
    String name = string(in);
    int count = in.readableBytes() >= 2 ? in.readUnsignedShort() : -1;
    if (in.readableBytes() != 2 * count) {
      throw new Malformed("information requests: count and length differ");
    }
    boolean wantsName = false;
    for (int i = 0; i < count; i++) {
      wantsName |= in.readUnsignedShort() == Protocol.INFO_NAME;
    }
    return new InfoQuery(name, wantsName);
  }

  static MetaQuery meta(ByteBuf in) throws Malformed {
    String name = string(in);
    if (in.readableBytes() < 4) {
      throw new Malformed("query count: missing");
    }
    long count = in.readUnsignedInt();
    if (count > in.readableBytes() / 4) { // each query takes at least its length field
      throw new Malformed("query count: more than there is data for");
    }
    var contexts = new ArrayList<String>();
    for (long i = 0; i < count; i++) {
      contexts.add(string(in));
    }
    if (in.isReadable()) {
      throw new Malformed("queries: bytes left over");
    }
    return new MetaQuery(name, contexts);
  }

  private static String string(ByteBuf in) throws Malformed {
    if (in.readableBytes() < 4) {
      throw new Malformed("string length: missing");
    }
    long length = in.readUnsignedInt();
    if (length > Protocol.MAX_STRING || length > in.readableBytes()) {
      throw new Malformed("string length: more than 4096, or than there is data for");
    }
    return in.readCharSequence((int) length, UTF_8).toString();
  }
}
