package dev.obd.registry.auth;

import java.io.IOException;
import java.net.URI;
import java.util.List;

/**
 * Where credentials come from. Asked again whenever a token is needed, so that rotated credentials
 * are picked up; must not remember what it found. Thread-safe.
 */
@FunctionalInterface
public interface CredentialProvider {
  /**
   * For whom a credential is wanted.
   *
   * @param registry as in references: {@code docker.io}, {@code host:5000}
   * @param endpoint where it answers: {@code registry-1.docker.io}, {@code host:5000}
   * @param repository {@code library/ubuntu}
   * @param url what is to be fetched: {@code https://endpoint/v2/repository/blobs/sha256:…} or
   *     another address in that repository, without a query
   */
  record Target(String registry, String endpoint, String repository, URI url) {
    /** The same repository, another address in it. */
    public Target at(URI other) {
      return new Target(registry, endpoint, repository, other);
    }

    @Override
    public String toString() {
      return registry + "/" + repository;
    }
  }

  /**
   * The credential for {@code target}; {@link Credential#ANONYMOUS} if there is none.
   *
   * @throws IOException if the place to look is damaged or does not answer; says which
   */
  Credential find(Target target) throws IOException;

  /** Knows nobody. */
  CredentialProvider NONE = target -> Credential.ANONYMOUS;

  /** The first of these that knows {@code target}. */
  static CredentialProvider firstOf(List<CredentialProvider> providers) {
    List<CredentialProvider> all = List.copyOf(providers);
    return target -> {
      for (CredentialProvider provider : all) {
        Credential found = provider.find(target);
        if (!(found instanceof Credential.Anonymous)) {
          return found;
        }
      }
      return Credential.ANONYMOUS;
    };
  }
}
