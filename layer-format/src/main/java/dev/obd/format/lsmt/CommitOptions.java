package dev.obd.format.lsmt;

import java.util.Optional;
import java.util.UUID;

/**
 * What is written into a new layer's header and trailer.
 *
 * @param uuid the layer's id; empty writes "not set"
 * @param parentUuid the id of the layer below; empty keeps what the source's header says
 * @param userTag free text, at most {@link LayerHeader#MAX_USER_TAG} bytes of UTF-8
 */
public record CommitOptions(Optional<UUID> uuid, Optional<UUID> parentUuid, String userTag) {
  /** No id, the source's parent, no text. */
  public static final CommitOptions NONE =
      new CommitOptions(Optional.empty(), Optional.empty(), "");

  /** Refuses a user tag that is too long. */
  public CommitOptions {
    LayerHeader.userTagBytes(userTag);
  }

  /** The same with an id. */
  public CommitOptions withUuid(UUID id) {
    return new CommitOptions(Optional.of(id), parentUuid, userTag);
  }

  /** The same with the id of the layer below. */
  public CommitOptions withParentUuid(UUID id) {
    return new CommitOptions(uuid, Optional.of(id), userTag);
  }

  /** The same with another text. */
  public CommitOptions withUserTag(String text) {
    return new CommitOptions(uuid, parentUuid, text);
  }

  /** The trailer of a new layer, without an index: flags of a committed file. */
  LayerHeader identity(long virtualSize, UUID sourceParent) {
    return LayerHeader.of(
        LayerHeader.DATA | LayerHeader.SEALED,
        0,
        0,
        virtualSize,
        uuid.orElse(LayerHeader.NO_UUID),
        parentUuid.orElse(sourceParent),
        userTag);
  }
}
