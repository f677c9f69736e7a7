package dev.obd.registry.http;

import dev.obd.registry.BlobStore;
import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.RemoteBlob;
import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/** Blobs behind HTTP that are no repository: with the retries, limits and checks of one. */
final class HttpBlobStore implements BlobStore {
  private final String name;
  private final Place place;

  HttpBlobStore(String name, Place place) {
    this.name = name;
    this.place = place;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public RemoteBlob open(Descriptor descriptor) {
    return new HttpBlob(new BlobRequests(List.of(place), descriptor));
  }

  @Override
  public OptionalLong blobSize(Digest digest) throws IOException {
    RegistryOptions options = place.session().options();
    Limit limit = Limit.after(options.clock(), options.patience());
    var attempts = new Attempts(limit, options.attempts(), options.jitter());
    while (true) {
      try {
        return BlobSizes.ask(place, digest, limit);
      } catch (IOException e) {
        attempts.failed(e);
      }
    }
  }

  @Override
  public void close() {}
}
