package dev.obd.backstore.device;

/** Where a device is in its life. It only moves forward, in the order of the records below. */
public sealed interface DeviceState {
  /** Being put together; takes no requests yet. */
  record Starting() implements DeviceState {}

  /** Takes requests. */
  record Serving() implements DeviceState {}

  /** Takes no new requests; those in flight are waited for. */
  record Draining() implements DeviceState {}

  /** Everything is flushed and closed. */
  record Closed() implements DeviceState {}

  /** The disk could not be flushed or closed; {@code reason} is for humans. */
  record Failed(String reason) implements DeviceState {}

  /** True if a device may go from here to {@code next}. */
  default boolean leadsTo(DeviceState next) {
    return switch (this) {
      case Starting _ -> next instanceof Serving || next instanceof Failed;
      case Serving _ -> next instanceof Draining;
      case Draining _ -> next instanceof Closed || next instanceof Failed;
      case Closed _, Failed _ -> false;
    };
  }
}
