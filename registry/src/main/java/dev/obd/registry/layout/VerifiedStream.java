package dev.obd.registry.layout;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Objects;

/** A file's bytes, the last of them only if size and digest are right. Not thread-safe. */
final class VerifiedStream extends FilterInputStream {
  private final Descriptor descriptor;
  private final Path file;
  private final MessageDigest hasher = Digest.hasher();
  private long position;
  private boolean verified;

  VerifiedStream(InputStream in, Descriptor descriptor, Path file) {
    super(in);
    this.descriptor = descriptor;
    this.file = file;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int from, int length) throws IOException {
    Objects.checkFromIndexSize(from, length, into.length);
    if (length == 0) {
      return 0;
    }
    int n = -1;
    if (position < descriptor.size()) {
      n = in.read(into, from, (int) Math.min(length, descriptor.size() - position));
      if (n < 0) {
        throw damaged("size: expected " + descriptor.size() + ", got " + position);
      }
      hasher.update(into, from, n);
      position += n;
    }
    if (position == descriptor.size() && !verified) {
      verify();
    }
    return n;
  }

  private void verify() throws IOException {
    if (in.read() >= 0) {
      throw damaged("size: expected " + descriptor.size() + ", got more");
    }
    Digest actual = Digest.finish(hasher);
    if (!actual.equals(descriptor.digest())) {
      throw damaged("digest: got " + actual);
    }
    verified = true;
  }

  private RegistryException damaged(String what) {
    return new RegistryException(Kind.BAD_ANSWER, 0, file + ": " + what, null);
  }

  @Override
  public long skip(long count) throws IOException {
    byte[] past = new byte[Math.clamp(count, 0, 1 << 16)];
    int n = read(past, 0, past.length);
    return Math.max(n, 0); // skipped bytes are hashed like others
  }

  @Override
  public int available() {
    return 0;
  }

  @Override
  public boolean markSupported() {
    return false;
  }
}
