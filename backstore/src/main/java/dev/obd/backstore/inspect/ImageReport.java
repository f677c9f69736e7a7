package dev.obd.backstore.inspect;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an image, or an overlaybd configuration, consists of. Parts that are not there, or could not
 * be had, are null. Sizes are bytes.
 *
 * @param name as resolved
 * @param digest of the manifest; null for a configuration
 * @param created RFC 3339, as the config has it
 * @param layers lowest first, the trace layer included
 * @param upper the writable layer of a configuration
 * @param trace what its trace adds up to
 * @param virtualSize of the disk
 * @param fileSystem what the disk holds, by its superblock
 * @param warnings what is unusual, but no damage
 * @param damage why it cannot be opened as it should; null if it can
 */
public record ImageReport(
    String name,
    @Nullable String digest,
    @Nullable String mediaType,
    @Nullable String platform,
    @Nullable String created,
    List<Layer> layers,
    @Nullable Upper upper,
    @Nullable TraceReport trace,
    @Nullable Long virtualSize,
    @Nullable String fileSystem,
    List<String> warnings,
    @Nullable String damage) {

  /** Where a layer's bytes are. */
  public enum Location {
    LOCAL,
    REMOTE
  }

  /**
   * One layer.
   *
   * @param digest of the blob; null for a local file of a configuration
   * @param file of a configuration; null for a layer that is named by its digest
   * @param size bytes of the blob; null if not known without asking
   * @param trace whether it is the trace layer
   * @param hot whether it says that it is a hot layer
   * @param annotations those that overlaybd looks at, by their whole names
   * @param content what it maps; null for the trace layer, and if it could not be opened
   */
  public record Layer(
      @Nullable String digest,
      @Nullable String file,
      @Nullable String mediaType,
      @Nullable Long size,
      Location location,
      boolean trace,
      boolean hot,
      Map<String, String> annotations,
      @Nullable Content content) {
    Layer with(Content opened) {
      return new Layer(digest, file, mediaType, size, location, trace, hot, annotations, opened);
    }
  }

  /** What an opened layer maps. */
  public record Content(long virtualSize, int segments, long dataBytes, long zeroedBytes) {}

  /** A writable layer's files; they are not opened. */
  public record Upper(String data, String index, @Nullable LayerReport report) {}

  public ImageReport {
    layers = List.copyOf(layers);
    warnings = List.copyOf(warnings);
  }
}
