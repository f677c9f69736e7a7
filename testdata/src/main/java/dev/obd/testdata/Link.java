package dev.obd.testdata;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** A {@link Profile} at work in front of one host: both directions' buckets. */
record Link(Profile profile, @Nullable TokenBucket down, @Nullable TokenBucket up) {
  static Link of(Profile profile) {
    return new Link(
        profile,
        TokenBucket.of(profile.bytesPerSecond()),
        TokenBucket.of(profile.bytesPerSecond()));
  }

  /** A request's body at the speed of this link. */
  InputStream paced(InputStream body) {
    return new FilterInputStream(body) {
      @Override
      public int read(byte[] into, int at, int length) throws IOException {
        int n = super.read(into, at, Math.min(length, TokenBucket.slice(up)));
        TokenBucket.take(up, Math.max(0, n));
        return n;
      }
    };
  }
}
