package dev.obd.backstore.fleet;

/**
 * How a live snapshot ended; codes and messages are the original's.
 *
 * @see Fleet#snapshot
 */
public sealed interface SnapshotOutcome {
  /** The HTTP status. */
  int code();

  /** What the original's answer says. */
  String message();

  /** Nothing was asked for. */
  record MissingParameter() implements SnapshotOutcome {
    @Override
    public int code() {
      return 400;
    }

    @Override
    public String message() {
      return "Missing dev_id or config in snapshot request";
    }
  }

  /** There is no device of that id. */
  record NotFound() implements SnapshotOutcome {
    @Override
    public int code() {
      return 404;
    }

    @Override
    public String message() {
      return "Image file not found";
    }
  }

  /** It could not be made; {@code reason} is for humans. */
  record Failed(String reason) implements SnapshotOutcome {
    @Override
    public int code() {
      return 500;
    }

    @Override
    public String message() {
      return "Failed to create snapshot`";
    }
  }

  /** The device goes on with the new configuration. */
  record Created() implements SnapshotOutcome {
    @Override
    public int code() {
      return 200;
    }

    @Override
    public String message() {
      return "Snapshot created successfully";
    }
  }
}
