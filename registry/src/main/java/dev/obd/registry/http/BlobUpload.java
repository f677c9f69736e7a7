package dev.obd.registry.http;

import dev.obd.registry.BlobContent;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Progress;
import dev.obd.registry.RegistryException;
import dev.obd.registry.RegistryException.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One blob's upload: small ones in one PUT, large ones in PATCHes that are resumed where the
 * registry says it is. Source: OCI distribution-spec 1.1, "Pushing blobs". Not thread-safe.
 */
final class BlobUpload {
  /** A registry may hash what it got before it answers the last request. */
  private static final long COMMIT_BYTES_PER_SECOND = 10 << 20;

  private static final Pattern RANGE = Pattern.compile("(?:bytes=)?0-([0-9]{1,18})");

  private final Session session;
  private final Scope scope;
  private final URI uploads;
  private final Descriptor descriptor;
  private final HashedContent content;
  private final Progress progress;
  private final RegistryOptions options;
  private final Limit limit;
  private final Attempts attempts;
  private @Nullable URI location;
  private long accepted;

  BlobUpload(
      Session session,
      Scope scope,
      URI uploads,
      Descriptor descriptor,
      BlobContent content,
      Progress progress) {
    this.session = session;
    this.scope = scope;
    this.uploads = uploads;
    this.descriptor = descriptor;
    this.content = new HashedContent(descriptor, content);
    this.progress = progress;
    options = session.options();
    limit = Limit.after(options.clock(), options.patience());
    attempts = new Attempts(limit, options.attempts(), options.jitter());
  }

  /** Asked before the upload starts over, because the lost answer may have been a yes. */
  interface Exists {
    boolean now() throws IOException;
  }

  /** Uploads. Returns when the registry has the blob. */
  void run(Exists exists) throws IOException {
    try (content) {
      boolean again = false;
      while (true) {
        try {
          if (again && exists.now()) {
            return;
          }
          once();
          return;
        } catch (RegistryException e) {
          again = true;
          attempts.failed(e);
          limit.restart();
        }
      }
    }
  }

  private void once() throws IOException {
    limit.restart();
    if (descriptor.size() <= options.uploadChunkBytes()) {
      URI at = start();
      put(at, new Piece(0, descriptor.size()));
      return;
    }
    URI at = resumed();
    while (accepted < descriptor.size()) {
      limit.restart();
      at = patch(at, Math.min(options.uploadChunkBytes(), descriptor.size() - accepted));
      attempts.progressed();
    }
    put(at, new Piece(descriptor.size(), 0));
  }

  private URI start() throws IOException {
    try (Answer answer =
        session.follow(Call.of("POST", uploads).with(new Piece(0, 0)), scope, limit)) {
      if (answer.status() != 202) {
        throw Failures.of(answer, options.clock());
      }
      accepted = 0;
      return session.location(answer);
    }
  }

  /** Where to go on: at an upload that was cut off, if the registry still knows it. */
  private URI resumed() throws IOException {
    URI cut = location;
    if (cut != null) {
      location = null; // one try: an upload that cannot be asked about starts over
      try (Answer answer = session.follow(Call.get(cut), scope, limit)) {
        Matcher range = RANGE.matcher(answer.header("Range").orElse(""));
        boolean known = answer.status() == 204 || answer.status() == 202;
        if (known && range.matches()) {
          long next = Long.parseLong(range.group(1)) + 1;
          // Registries write an empty upload as 0-0, which is also one byte: then start over.
          if (next > 1 && next <= descriptor.size()) {
            accepted = next;
            URI at = answer.header("Location").isPresent() ? session.location(answer) : cut;
            location = at;
            return at;
          }
        }
      }
    }
    URI at = start();
    location = at;
    return at;
  }

  private URI patch(URI at, long length) throws IOException {
    Call call =
        Call.of("PATCH", at)
            .with("Content-Range", accepted + "-" + (accepted + length - 1))
            .with(new Piece(accepted, length));
    try (Answer answer = session.follow(call, scope, limit)) {
      if (answer.status() != 202 && answer.status() != 204 && answer.status() != 201) {
        throw startOver(answer);
      }
      accepted += length;
      URI next = session.location(answer);
      location = next;
      return next;
    }
  }

  private void put(URI at, Piece piece) throws IOException {
    Duration hashing = Duration.ofSeconds(descriptor.size() / COMMIT_BYTES_PER_SECOND);
    piece.afterwards = options.patience().plus(hashing);
    limit.restart(piece.afterwards.toNanos());
    Call call = Call.of("PUT", HttpRepository.withQuery(at, "digest", descriptor.digest().value()));
    try (Answer answer = session.follow(call.with(piece), scope, limit)) {
      if (answer.status() != 201 && answer.status() != 204 && answer.status() != 200) {
        throw startOver(answer);
      }
    }
  }

  /** The registry has lost the thread, or another copy of it answers: a new upload may work. */
  private RegistryException startOver(Answer answer) {
    RegistryException failure = Failures.of(answer, options.clock());
    boolean lost = answer.status() == 404 || answer.status() == 416;
    if (!lost) {
      return failure;
    }
    location = null;
    return new RegistryException(
        Kind.UNAVAILABLE, answer.status(), String.valueOf(failure.getMessage()), failure);
  }

  /** A part of the content as a request's body. */
  private final class Piece implements Call.Body {
    private final long from;
    private final long length;
    private Duration afterwards = options.patience();

    Piece(long from, long length) {
      this.from = from;
      this.length = length;
    }

    @Override
    public String contentType() {
      return "application/octet-stream";
    }

    @Override
    public long length() {
      return length;
    }

    @Override
    public void writeTo(OutputStream out) throws IOException {
      if (length > 0 || descriptor.size() == 0) {
        content.copyTo(
            out,
            from,
            length,
            position -> {
              limit.restart(afterwards.toNanos()); // the network took a piece: it is alive
              progress.at(position, descriptor.size());
            });
      }
    }
  }
}
