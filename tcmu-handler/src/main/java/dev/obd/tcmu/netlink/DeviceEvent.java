package dev.obd.tcmu.netlink;

import java.util.OptionalLong;

/** What the kernel says about a device; it may wait for an answer. */
public sealed interface DeviceEvent {
  /** {@code tcm-user/hba/name/config}. */
  String device();

  /** The number of its {@code /dev/uio}. */
  int uio();

  /** Names the event in its answer; empty if the kernel does not wait for one. */
  OptionalLong id();

  /** It was made; when answered with an error it is unmade. */
  record Added(String device, int uio, OptionalLong id) implements DeviceEvent {}

  /** It goes away once this is answered. */
  record Removed(String device, int uio, OptionalLong id) implements DeviceEvent {}

  /**
   * An attribute is to change, if the answer allows it.
   *
   * @param size the new size in bytes; empty if it is another attribute
   */
  record Reconfigured(String device, int uio, OptionalLong id, OptionalLong size)
      implements DeviceEvent {}
}
