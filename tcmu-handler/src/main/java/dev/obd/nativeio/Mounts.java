package dev.obd.nativeio;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * {@code mount(2)} and {@code umount2(2)}. Both may wait for a device: call on a platform thread.
 */
public final class Mounts {
  /** Nothing may be written. */
  public static final long READ_ONLY = 1;

  /** Set-user-id bits have no effect. */
  public static final long NO_SUID = 2;

  /** Device files have no effect. */
  public static final long NO_DEVICES = 4;

  /** {@link #unmount}: aborts what waits for a file system that does not answer. */
  public static final int FORCE = 1;

  /** {@link #unmount}: takes it out of the tree at once; it goes away with its last user. */
  public static final int DETACH = 2;

  private static final int NO_FOLLOW = 8;

  private Mounts() {}

  /** Mounts {@code source}; {@code data} is the file system's own options. */
  public static void mount(
      String source, Path target, String type, long flags, @Nullable String data)
      throws IOException {
    LibC.Calls libc = LibC.calls();
    String at = target.toString();
    int errno = FilelessThread.call(() -> libc.mount(source, at, type, flags, data));
    if (errno != 0) {
      throw new ErrnoException(describe(source, at, type, data), errno);
    }
  }

  /**
   * Mounts what is behind an open descriptor, which {@code data} names by its number. Does not
   * wait.
   */
  public static void mountOpen(String source, Path target, String type, long flags, String data)
      throws IOException {
    String at = target.toString();
    int result = LibC.calls().mount(source, at, type, flags, data);
    LibC.checked(result, describe(source, at, type, data));
  }

  private static String describe(String source, String at, String type, @Nullable String data) {
    return "mount(" + source + " at " + at + ", type " + type + ", options " + data + ")";
  }

  /** Unmounts; symbolic links are not followed. */
  public static void unmount(Path target, int flags) throws IOException {
    LibC.Calls libc = LibC.calls();
    String at = target.toString();
    int errno = FilelessThread.call(() -> libc.umount2(at, flags | NO_FOLLOW));
    if (errno != 0) {
      throw new ErrnoException("umount(" + at + ")", errno);
    }
  }
}
