package dev.obd.mount;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who else keeps something busy, as far as {@code /proc} tells: processes with a directory or an
 * open file there. Nothing is asked that could wait for the very file system it is about.
 */
public final class Users {
  private static final Path PROC = Path.of("/proc");
  private static final List<String> LINKS = List.of("cwd", "root", "exe");
  private static final int MOST_TOLD = 5;

  private Users() {}

  /**
   * Says that something is in use: {@code /mnt is in use by sleep (pid 17)}.
   *
   * @param path an absolute path of a directory, with all below it, or of a device
   */
  public static String inUse(Path path) {
    List<String> users = of(path);
    return path + " is in use" + (users.isEmpty() ? "" : " by " + String.join(", ", users));
  }

  private static List<String> of(Path path) {
    var users = new ArrayList<String>();
    String self = Long.toString(ProcessHandle.current().pid());
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        if (!process.endsWith(self) && uses(process, path)) {
          if (users.size() == MOST_TOLD) {
            users.add("others");
            break;
          }
          users.add(name(process) + " (pid " + process.getFileName() + ")");
        }
      }
    } catch (IOException | DirectoryIteratorException _) {
      // then it is not known
    }
    return users;
  }

  private static boolean uses(Path process, Path path) {
    for (String link : LINKS) {
      if (leadsTo(process.resolve(link), path)) {
        return true;
      }
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
      for (Path file : files) {
        if (leadsTo(file, path)) {
          return true;
        }
      }
    } catch (IOException | DirectoryIteratorException _) {
      // it ended, or is not ours to look at
    }
    return false;
  }

  private static boolean leadsTo(Path link, Path path) {
    try {
      return Files.readSymbolicLink(link).startsWith(path);
    } catch (IOException _) {
      return false;
    }
  }

  private static String name(Path process) {
    try {
      return Files.readString(process.resolve("comm")).strip();
    } catch (IOException _) {
      return "a process";
    }
  }
}
