package dev.obd.tcmu.netlink;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.Fd;
import dev.obd.nativeio.KernelFiles;
import dev.obd.netlink.Attributes;
import dev.obd.netlink.GenericNetlink;
import dev.obd.netlink.Message;
import java.io.Closeable;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The listener for the machine's TCMU devices. While it is {@linkplain #start started} and until it
 * is {@linkplain #unblock unblocked}, devices cannot be made; so nothing is missed in between.
 * After that whoever makes or removes a device waits for the answer. {@link #next} is for one
 * thread, the rest thread-safe.
 */
public final class DeviceEvents implements Closeable {
  private static final Logger log = LogManager.getLogger(DeviceEvents.class);
  private static final String FAMILY = "TCM-USER";
  private static final String GROUP = "config";

  /** A hundred times what was seen when hundreds of devices were made at once. */
  private static final int RECEIVE_BYTES = 4 << 20;

  private static final int ADDED = 1;
  private static final int REMOVED = 2;
  private static final int RECONFIGURED = 3;
  private static final int ADDED_DONE = 4;
  private static final int REMOVED_DONE = 5;
  private static final int RECONFIGURED_DONE = 6;
  private static final int SET_FEATURES = 7;

  private static final int DEVICE = 1;
  private static final int MINOR = 2;
  private static final int DEVICE_SIZE = 5;
  private static final int STATUS = 7;
  private static final int DEVICE_ID = 8;
  private static final int ANSWERS = 9;

  /** Where listeners count themselves. */
  private static final Path LISTENERS = Path.of("/run/obd-tcmu.lock");

  private static final long MAX_MINOR = (1 << 20) - 1;

  private final Path parameters;
  private final GenericNetlink events;
  private final GenericNetlink requests;
  private final GenericNetlink.Family family;
  private final int group;
  private final Listeners listeners;

  private DeviceEvents(
      Path parameters,
      GenericNetlink events,
      GenericNetlink requests,
      GenericNetlink.Family family,
      int group,
      Listeners listeners) {
    this.parameters = parameters;
    this.events = events;
    this.requests = requests;
    this.family = family;
    this.group = group;
    this.listeners = listeners;
  }

  /**
   * Fails what waits for the answer of a listener that died, and listens.
   *
   * @param parameters {@code /sys/module/target_core_user/parameters}
   */
  public static DeviceEvents start(Path parameters) throws IOException {
    block(parameters, true);
    failWaiting(parameters);
    try {
      return listen(parameters);
    } catch (IOException e) {
      block(parameters, false);
      throw e;
    }
  }

  private static DeviceEvents listen(Path parameters) throws IOException {
    GenericNetlink events = GenericNetlink.open();
    try {
      GenericNetlink requests = GenericNetlink.open();
      try {
        GenericNetlink.Family family = requests.resolve(FAMILY);
        Integer group = family.groups().get(GROUP);
        if (group == null) {
          throw new ProtocolException("netlink: family " + FAMILY + ": no group " + GROUP);
        }
        events.socket().receiveBuffer(RECEIVE_BYTES);
        events.socket().dropSilently(); // dropped() tells
        events.socket().join(group);
        Listeners listeners = Listeners.join(LISTENERS);
        try {
          var started = new DeviceEvents(parameters, events, requests, family, group, listeners);
          started.wantAnswers(true);
          return started;
        } catch (IOException e) {
          listeners.close();
          throw e;
        }
      } catch (IOException e) {
        requests.close();
        throw e;
      }
    } catch (IOException e) {
      events.close();
      throw e;
    }
  }

  private void wantAnswers(boolean wanted) throws IOException {
    Attributes features = Attributes.builder().u8(ANSWERS, wanted ? 1 : 0).build();
    try {
      requests.request("TCM-USER SET_FEATURES", family, SET_FEATURES, features);
    } catch (ErrnoException e) {
      if (!e.is(Errno.EOPNOTSUPP)) { // an old kernel, which never waits
        throw e;
      }
    }
  }

  /** Devices can be made from now on. */
  public void unblock() throws IOException {
    block(parameters, false);
  }

  /** To be polled. */
  public Fd fd() {
    return events.fd();
  }

  /**
   * The events that have come; empty if there are none any more. What makes no sense is logged and
   * left out. Does not wait.
   */
  public List<DeviceEvent> next() throws IOException {
    List<Message> messages;
    do {
      try {
        messages = events.events();
      } catch (ProtocolException e) {
        log.warn("tcmu.event.malformed", e);
        return List.of();
      }
      var list = new ArrayList<DeviceEvent>();
      for (Message message : messages) {
        try {
          event(family.id(), message).ifPresent(list::add);
        } catch (ProtocolException e) {
          log.warn("tcmu.event.malformed command={}", message.command(), e);
        }
      }
      if (!list.isEmpty()) {
        return list;
      }
    } while (!messages.isEmpty());
    return List.of();
  }

  /** The event in a message; empty if it is none. */
  static Optional<DeviceEvent> event(int family, Message message) throws ProtocolException {
    if (message.family() != family
        || message.command() < ADDED
        || message.command() > RECONFIGURED) {
      return Optional.empty();
    }
    Attributes attributes = message.attributes();
    String device = attributes.string(DEVICE).orElseThrow(() -> missing("device"));
    long minor = attributes.u32(MINOR).orElseThrow(() -> missing("minor"));
    if (minor > MAX_MINOR) {
      throw new ProtocolException("TCM-USER: minor: at most " + MAX_MINOR + ", got " + minor);
    }
    OptionalLong id = OptionalLong.empty();
    if (message.version() > 1) {
      id = OptionalLong.of(attributes.u32(DEVICE_ID).orElseThrow(() -> missing("device id")));
    }
    return Optional.of(
        switch (message.command()) {
          case ADDED -> new DeviceEvent.Added(device, (int) minor, id);
          case REMOVED -> new DeviceEvent.Removed(device, (int) minor, id);
          default ->
              new DeviceEvent.Reconfigured(device, (int) minor, id, attributes.u64(DEVICE_SIZE));
        });
  }

  private static ProtocolException missing(String what) {
    return new ProtocolException("TCM-USER: event without " + what);
  }

  /**
   * Answers an event; whoever waits for it goes on.
   *
   * @param status 0 or a negative error number
   */
  public void answer(DeviceEvent event, int status) {
    if (event.id().isEmpty()) {
      return;
    }
    int command =
        switch (event) {
          case DeviceEvent.Added _ -> ADDED_DONE;
          case DeviceEvent.Removed _ -> REMOVED_DONE;
          case DeviceEvent.Reconfigured _ -> RECONFIGURED_DONE;
        };
    Attributes answer =
        Attributes.builder().u32(STATUS, status).u32(DEVICE_ID, event.id().getAsLong()).build();
    try {
      requests.request("TCM-USER answer", family, command, answer);
    } catch (IOException e) { // it does not wait any more
      log.info("tcmu.answer.refused device={} status={}", event.device(), status, e);
    }
  }

  /** How many events there was no room for, since the start. */
  public long dropped() throws IOException {
    return events.socket().drops();
  }

  /** After events were lost: everybody who waits for an answer is failed, and may try again. */
  public void failWaiting() throws IOException {
    block(parameters, true);
    failWaiting(parameters);
    block(parameters, false);
  }

  private static void failWaiting(Path parameters) {
    try {
      KernelFiles.write(parameters.resolve("reset_netlink"), "1");
    } catch (IOException e) {
      log.debug("tcmu.netlink.reset.failed", e);
    }
  }

  private static void block(Path parameters, boolean blocked) throws IOException {
    try {
      KernelFiles.write(parameters.resolve("block_netlink"), blocked ? "1" : "0");
    } catch (ErrnoException e) {
      if (!e.is(Errno.ENOENT)) { // an old kernel
        throw e;
      }
    }
  }

  /**
   * From now on nobody waits for an answer of ours.
   *
   * @param devicesRemain then making more devices fails until the next start, unless another
   *     process listens, which goes on as it was
   */
  public void stop(boolean devicesRemain) throws IOException {
    listeners.leave(lastOfOurs -> {
      block(parameters, true);
      failWaiting(parameters);
      events.socket().leave(group);
      boolean last =
          lastOfOurs && !Members.has(group); // overlaybd-tcmu and tcmu-runner listen, too
      if (last) {
        wantAnswers(false);
      }
      if (!last || !devicesRemain) {
        block(parameters, false);
      }
    });
  }

  @Override
  public void close() throws IOException {
    try {
      events.close();
      requests.close();
    } finally {
      listeners.close();
    }
  }
}
