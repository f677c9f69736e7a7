package dev.obd.nativeio;

import com.kenai.jffi.MemoryIO;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Runs a helper program that opens something for us and passes the descriptor back over a unix
 * socket, as {@code fusermount3} does. {@link ProcessBuilder} cannot do it: it closes every
 * descriptor but the standard three in the child.
 */
public final class FdHelper {
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;

  // struct msghdr, 64 bit: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags
  // 48
  private static final int MSG_IOV_AT = 16;
  private static final int MSG_IOVLEN_AT = 24;
  private static final int MSG_CONTROL_AT = 32;
  private static final int MSG_CONTROLLEN_AT = 40;
  private static final int MSGHDR_BYTES = 56;

  // struct cmsghdr, 64 bit: len 0, level 8, type 12, data 16
  private static final int CMSG_LEVEL_AT = 8;
  private static final int CMSG_TYPE_AT = 12;
  private static final int CMSG_DATA_AT = 16;
  private static final int CMSG_BYTES = 24; // with one descriptor, padded

  /** More than glibc's and musl's posix_spawn_file_actions_t (80 bytes). */
  private static final int FILE_ACTIONS_BYTES = 512;

  private static final int HELPER_SOCKET = 3;
  private static final int STDERR = 2;
  private static final int MAX_COMPLAINT_BYTES = 4096;

  private FdHelper() {}

  /**
   * Runs {@code program} and returns the descriptor it sends. May wait for the program: call on a
   * platform thread.
   *
   * @param socketVariable the environment variable that tells the program its socket's number
   * @throws IOException if it sends none; the message ends with what it wrote to standard error
   */
  public static Fd receive(Path program, List<String> arguments, String socketVariable)
      throws IOException {
    int[] sockets = new int[2];
    LibC.checked(
        LibC.calls().socketpair(AF_UNIX, SOCK_STREAM | Fd.CLOSE_ON_EXEC, 0, sockets),
        "socketpair()");
    int[] pipe = new int[2];
    try (Fd ours = Fd.adopt(sockets[0], "socket to " + program)) {
      int pid;
      Fd complaints;
      // Our copies of the program's ends are closed once it has them, so that its end ends both.
      try (Fd theirs = Fd.adopt(sockets[1], "socket of " + program)) {
        LibC.checked(LibC.calls().pipe2(pipe, Fd.CLOSE_ON_EXEC), "pipe2()");
        complaints = Fd.adopt(pipe[0], "standard error of " + program);
        try (Fd stderr = Fd.adopt(pipe[1], "standard error for " + program)) {
          pid = spawn(program, arguments, socketVariable, theirs.number(), stderr.number());
        } catch (IOException e) {
          complaints.close();
          throw e;
        }
      }
      try (complaints) {
        int received = receiveOne(ours);
        String complaint = text(complaints);
        reap(pid);
        if (received < 0) {
          throw new IOException(program + " " + String.join(" ", arguments) + ": " + complaint);
        }
        return Fd.adopt(received, "descriptor from " + program);
      }
    }
  }

  private static void reap(int pid) throws IOException {
    int[] status = new int[1];
    int result;
    do {
      result = LibC.calls().waitpid(pid, status, 0);
    } while (result < 0 && LibC.errno() == Errno.EINTR.number());
    LibC.checked(result, "waitpid(" + pid + ")");
  }

  private static int spawn(
      Path program, List<String> arguments, String socketVariable, int socket, int stderr)
      throws IOException {
    var argv = new ArrayList<ByteBuffer>();
    argv.add(LibC.cString(program.toString()));
    arguments.forEach(argument -> argv.add(LibC.cString(argument)));
    var environment = new ArrayList<ByteBuffer>();
    for (Map.Entry<String, String> e : System.getenv().entrySet()) {
      if (!e.getKey().equals(socketVariable)) {
        environment.add(LibC.cString(e.getKey() + "=" + e.getValue()));
      }
    }
    environment.add(LibC.cString(socketVariable + "=" + HELPER_SOCKET));
    ByteBuffer actions = ByteBuffer.allocateDirect(FILE_ACTIONS_BYTES);
    LibC.Calls c = LibC.calls();
    succeed(c.posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init()");
    try {
      // stderr first: the socket may not be the one that is overwritten by it.
      succeed(c.posix_spawn_file_actions_adddup2(actions, stderr, STDERR), "adddup2(stderr)");
      succeed(c.posix_spawn_file_actions_adddup2(actions, socket, HELPER_SOCKET), "adddup2()");
      int[] pid = new int[1];
      int failed =
          c.posix_spawn(
              pid, program.toString(), actions, null, pointers(argv), pointers(environment));
      succeed(failed, "posix_spawn(" + program + ")");
      return pid[0];
    } finally {
      c.posix_spawn_file_actions_destroy(actions);
      Reference.reachabilityFence(argv);
      Reference.reachabilityFence(environment);
    }
  }

  /** These functions return the error instead of setting errno. */
  private static void succeed(int error, String call) throws ErrnoException {
    if (error != 0) {
      throw new ErrnoException(call, error);
    }
  }

  /** The descriptor in the next message, or -1 if the stream ends or brings none. */
  private static int receiveOne(Fd socket) throws IOException {
    ByteBuffer data = nativeBuffer(1);
    ByteBuffer iovec = nativeBuffer(16);
    iovec.putLong(0, address(data)).putLong(8, data.capacity());
    ByteBuffer control = nativeBuffer(CMSG_BYTES);
    ByteBuffer message = nativeBuffer(MSGHDR_BYTES);
    message.putLong(MSG_IOV_AT, address(iovec)).putLong(MSG_IOVLEN_AT, 1);
    message.putLong(MSG_CONTROL_AT, address(control)).putLong(MSG_CONTROLLEN_AT, CMSG_BYTES);
    long count;
    try {
      do {
        count = LibC.calls().recvmsg(socket.number(), message, MSG_CMSG_CLOEXEC);
      } while (count < 0 && LibC.errno() == Errno.EINTR.number());
      if (count < 0) {
        throw new ErrnoException("recvmsg(" + socket.name() + ")", LibC.errno());
      }
    } finally { // the kernel wrote to them by address
      Reference.reachabilityFence(data);
      Reference.reachabilityFence(iovec);
    }
    boolean hasDescriptor =
        count > 0
            && message.getLong(MSG_CONTROLLEN_AT) >= CMSG_DATA_AT + Integer.BYTES
            && control.getInt(CMSG_LEVEL_AT) == SOL_SOCKET
            && control.getInt(CMSG_TYPE_AT) == SCM_RIGHTS;
    return hasDescriptor ? control.getInt(CMSG_DATA_AT) : -1;
  }

  private static String text(Fd complaints) throws IOException {
    ByteBuffer text = ByteBuffer.allocateDirect(MAX_COMPLAINT_BYTES);
    while (text.hasRemaining() && complaints.read(text) > 0) {
      // until its end or until it is enough
    }
    return StandardCharsets.UTF_8.decode(text.flip()).toString().strip();
  }

  private static ByteBuffer pointers(List<ByteBuffer> strings) {
    ByteBuffer array = nativeBuffer((strings.size() + 1) * Long.BYTES);
    for (int i = 0; i < strings.size(); i++) {
      array.putLong(i * Long.BYTES, address(strings.get(i)));
    }
    return array; // its last element stays null
  }

  private static ByteBuffer nativeBuffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static long address(ByteBuffer direct) {
    return MemoryIO.getInstance().getDirectBufferAddress(direct);
  }
}
