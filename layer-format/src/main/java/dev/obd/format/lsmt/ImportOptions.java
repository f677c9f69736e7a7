package dev.obd.format.lsmt;

import java.util.Optional;
import java.util.UUID;

/**
 * What is written into the header and trailer of a layer made from a raw disk.
 *
 * @param uuid the layer's id; empty writes "not set"
 * @param parentUuid the id of the layer below; empty writes "not set"
 * @param userTag free text, at most {@link LayerHeader#MAX_USER_TAG} bytes of UTF-8
 */
public record ImportOptions(Optional<UUID> uuid, Optional<UUID> parentUuid, String userTag) {
  /** No ids, no text. */
  public static final ImportOptions NONE =
      new ImportOptions(Optional.empty(), Optional.empty(), "");

  /** Refuses a user tag that is too long. */
  public ImportOptions {
    LayerHeader.userTagBytes(userTag);
  }
}
