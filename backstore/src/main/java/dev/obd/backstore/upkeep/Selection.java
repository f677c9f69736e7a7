package dev.obd.backstore.upkeep;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What is to be pruned: what meets all conditions. Whatever they say, nothing goes that is in use
 * or pinned.
 *
 * @param all also what images of the local store need
 * @param olderThan only what was not used for that long
 * @param keepBytes stop when no more than this is left; what was used longest ago goes first
 * @param digests only these; empty: any
 */
public record Selection(
    boolean all, Optional<Duration> olderThan, Optional<Long> keepBytes, List<String> digests) {
  public Selection {
    digests = List.copyOf(digests);
  }
}
