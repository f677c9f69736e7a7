package dev.obd.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Who this process is.
 *
 * @param user effective user id
 * @param group effective group id
 * @param mayMount it has CAP_SYS_ADMIN
 */
public record Privileges(int user, int group, boolean mayMount) {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final int EFFECTIVE = 2; // after the name: real, effective, saved, file system
  private static final long CAP_SYS_ADMIN = 1L << 21;

  /** Of this process, as the kernel sees it now. */
  public static Privileges ofThisProcess() throws IOException {
    return parse(Files.readAllLines(STATUS));
  }

  public static Privileges parse(List<String> status) throws IOException {
    int user = Integer.parseUnsignedInt(field(status, "Uid:")[EFFECTIVE]);
    int group = Integer.parseUnsignedInt(field(status, "Gid:")[EFFECTIVE]);
    long capabilities = Long.parseUnsignedLong(field(status, "CapEff:")[1], 16);
    return new Privileges(user, group, (capabilities & CAP_SYS_ADMIN) != 0);
  }

  private static String[] field(List<String> status, String name) throws IOException {
    for (String line : status) {
      String[] words = line.split("\\s+", -1);
      if (words[0].equals(name) && words.length > (name.equals("CapEff:") ? 1 : EFFECTIVE)) {
        return words;
      }
    }
    throw new IOException(STATUS + ": no " + name);
  }
}
