package dev.obd.nativeio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Connections to unix sockets whose descriptor is handed on, to the kernel for example. */
public final class UnixSocket {
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;

  // struct sockaddr_un: family 0, path 2
  private static final int ADDRESS_BYTES = 110;
  private static final int PATH_AT = 2;
  private static final int MAX_PATH_BYTES = ADDRESS_BYTES - PATH_AT - 1;

  private UnixSocket() {}

  /** Connects to the stream socket at {@code path}; reads and writes wait. */
  public static Fd connect(Path path) throws IOException {
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    if (name.length > MAX_PATH_BYTES) {
      throw new IOException(
          path + ": a socket's path has at most " + MAX_PATH_BYTES + " bytes, this " + name.length);
    }
    ByteBuffer address = ByteBuffer.allocateDirect(ADDRESS_BYTES).order(ByteOrder.nativeOrder());
    address.putShort(0, (short) AF_UNIX).put(PATH_AT, name);
    int number = LibC.calls().socket(AF_UNIX, SOCK_STREAM | Fd.CLOSE_ON_EXEC, 0);
    Fd fd = Fd.adopt(LibC.checked(number, "socket(unix)"), path.toString());
    try {
      LibC.checked(
          LibC.calls().connect(fd.number(), address, ADDRESS_BYTES), "connect(" + path + ")");
      return fd;
    } catch (IOException e) {
      fd.close();
      throw e;
    }
  }
}
