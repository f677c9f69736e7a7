package dev.obd.fuse;

import java.nio.ByteBuffer;

/** What the kernel asks of the file. Offsets and lengths are bytes of the disk, unchecked. */
sealed interface Operation {
  /** Asks for attributes. */
  record GetAttr() implements Operation {}

  /** Wants attributes changed: {@code valid} says which ({@code FATTR_*}). */
  record SetAttr(int valid, long size) implements Operation {}

  /** Opens the file with {@code open(2)}'s flags. */
  record Open(int flags) implements Operation {}

  record Read(long offset, int size) implements Operation {}

  /** The payload belongs to the reader thread's buffer until it asks for the next request. */
  record Write(long offset, ByteBuffer payload) implements Operation {}

  /** One of the descriptors of an open file was closed. */
  record Flush(long handle) implements Operation {}

  record Fsync() implements Operation {}

  record Fallocate(long offset, long length, int mode) implements Operation {}

  record Seek(long offset, int whence) implements Operation {}

  record StatFs() implements Operation {}

  /** The last descriptor of an open file was closed, or the file system goes away. */
  record Release() implements Operation {}

  /** Needs no answer and must not get one. */
  record Silent() implements Operation {}

  /** Not spoken here. */
  record Unknown(int opcode) implements Operation {}

  /** Contradicts itself; {@code why} says how. */
  record Invalid(String why) implements Operation {}
}
