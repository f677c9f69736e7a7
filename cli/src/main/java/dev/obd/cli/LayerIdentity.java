package dev.obd.cli;

import dev.obd.format.lsmt.CommitOptions;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What a new layer says of itself. */
final class LayerIdentity {
  @Option(
      names = "--uuid",
      paramLabel = "UUID",
      converter = Uuid.class,
      description = "The new layer's id (default: not set).")
  private @Nullable UUID uuid;

  @Option(
      names = {"-p", "--parent"},
      paramLabel = "UUID",
      converter = Uuid.class,
      description = "The id of the layer below (default: as the input says).")
  private @Nullable UUID parent;

  @Option(
      names = {"-m", "--message"},
      paramLabel = "TEXT",
      description = "Free text kept in the layer, at most 256 bytes of UTF-8.")
  private String message = "";

  CommitOptions options() {
    return new CommitOptions(Optional.ofNullable(uuid), Optional.ofNullable(parent), message);
  }

  /** The whole form only; {@link UUID#fromString} also takes {@code 1-2-3-4-5}. */
  static final class Uuid implements ITypeConverter<UUID> {
    private static final Pattern FORM =
        Pattern.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}");

    @Override
    public UUID convert(String text) {
      if (!FORM.matcher(text).matches()) {
        throw new TypeConversionException(
            "expected a UUID such as 0f8fad5b-d9cb-469f-a165-70867728950e, got '" + text + "'");
      }
      return UUID.fromString(text);
    }
  }
}
