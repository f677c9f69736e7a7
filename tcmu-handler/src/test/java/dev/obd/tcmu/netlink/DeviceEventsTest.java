package dev.obd.tcmu.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.netlink.Attributes;
import dev.obd.netlink.Message;
import java.net.ProtocolException;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceEventsTest {
  private static final int FAMILY = 30;
  private static final String DEVICE = "tcm-user/0/d0/lab/x";

  private static Message message(int command, int version, Attributes attributes) {
    return new Message(FAMILY, 0, 0, command, version, attributes);
  }

  private static Attributes.Builder device() {
    return Attributes.builder().string(1, DEVICE).u32(2, 7);
  }

  @Test
  void theKernelsEventsAreUnderstood() throws ProtocolException {
    Attributes plain = device().u32(8, 42).build();
    assertThat(DeviceEvents.event(FAMILY, message(1, 2, plain)))
        .contains(new DeviceEvent.Added(DEVICE, 7, OptionalLong.of(42)));
    assertThat(DeviceEvents.event(FAMILY, message(2, 2, plain)))
        .contains(new DeviceEvent.Removed(DEVICE, 7, OptionalLong.of(42)));
    assertThat(DeviceEvents.event(FAMILY, message(3, 2, device().u32(8, 1).u64(5, 4096).build())))
        .contains(
            new DeviceEvent.Reconfigured(DEVICE, 7, OptionalLong.of(1), OptionalLong.of(4096)));
    assertThat(DeviceEvents.event(FAMILY, message(3, 2, device().u32(8, 1).u8(6, 0).build())))
        .contains(
            new DeviceEvent.Reconfigured(DEVICE, 7, OptionalLong.of(1), OptionalLong.empty()));
  }

  @Test
  void anOldKernelWaitsForNoAnswer() throws ProtocolException {
    assertThat(DeviceEvents.event(FAMILY, message(1, 1, device().build())))
        .contains(new DeviceEvent.Added(DEVICE, 7, OptionalLong.empty()));
  }

  @Test
  void whatIsNoEventIsPassedOver() throws ProtocolException {
    Attributes plain = device().u32(8, 42).build();
    assertThat(DeviceEvents.event(FAMILY, message(4, 2, plain))).isEmpty();
    assertThat(DeviceEvents.event(FAMILY, message(0, 2, plain))).isEmpty();
    assertThat(DeviceEvents.event(FAMILY + 1, message(1, 2, plain))).isEmpty();
  }

  @Test
  void anEventThatLacksSomethingIsRefusedByName() {
    assertThatThrownBy(() -> DeviceEvents.event(FAMILY, message(1, 2, device().build())))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("device id");
    assertThatThrownBy(() ->
            DeviceEvents.event(FAMILY, message(1, 1, Attributes.builder().string(1, "x").build())))
        .hasMessageContaining("minor");
    assertThatThrownBy(() ->
            DeviceEvents.event(
                FAMILY,
                message(1, 1, Attributes.builder().string(1, "x").u32(2, 4_000_000_000L).build())))
        .hasMessageContaining("minor: at most");
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2})
  void whateverAttributesComeTheyAreAnEventOrRefused(long seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 20_000; i++) {
      Attributes.Builder builder = Attributes.builder();
      for (int n = random.nextInt(5); n > 0; n--) {
        int type = random.nextInt(10);
        switch (random.nextInt(4)) {
          case 0 -> builder.u8(type, random.nextInt());
          case 1 -> builder.u32(type, random.nextInt());
          case 2 -> builder.u64(type, random.nextLong());
          default -> builder.string(type, "x".repeat(random.nextInt(5)));
        }
      }
      try {
        DeviceEvents.event(FAMILY, message(random.nextInt(8), random.nextInt(4), builder.build()));
      } catch (ProtocolException expected) {
        assertThat(expected).hasMessageNotContaining("null");
      }
    }
  }
}
