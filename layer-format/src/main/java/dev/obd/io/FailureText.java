package dev.obd.io;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What a failure says to humans, alone or inside another one's message. */
public final class FailureText {
  private FailureText() {}

  /**
   * One line. An I/O error's message says enough, except that the JDK's about files say which file
   * it was and leave out what was wrong with it; of anything else the kind counts, too.
   */
  public static String of(Throwable failure) {
    if (failure instanceof FileSystemException f && f.getReason() == null && f.getFile() != null) {
      return f.getFile() + ": " + wrong(f);
    }
    String message = failure.getMessage();
    return failure instanceof IOException && message != null && !message.isBlank()
        ? message
        : failure.toString();
  }

  private static String wrong(FileSystemException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "no such file or directory";
      case FileAlreadyExistsException _ -> "exists already";
      case AccessDeniedException _ -> "permission denied";
      case NotDirectoryException _ -> "is no directory";
      case DirectoryNotEmptyException _ -> "is not empty";
      default -> failure.getClass().getSimpleName();
    };
  }
}
