package dev.obd.format.files;

/** One file, directory, link or device. Immutable; belongs to the reader it came from. */
public interface Inode {
  /** Its number in the file system. */
  long number();

  /** Where its bytes begin on the disk. */
  long offset();

  /** What it is. */
  FileType type();

  /** Length of its content in bytes. */
  long size();

  /** Permission bits, at most 07777. */
  int permissions();

  /** Number of the user it belongs to. */
  long uid();

  /** Number of the group it belongs to. */
  long gid();

  /** How many names it has. */
  long links();

  /** When its content last changed, in seconds since 1970. */
  long modifiedSeconds();
}
