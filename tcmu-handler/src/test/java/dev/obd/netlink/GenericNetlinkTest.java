package dev.obd.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import dev.obd.nativeio.NetlinkSocket;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class GenericNetlinkTest {
  static long[] seeds() {
    return new long[] {1, 2, System.nanoTime()};
  }

  @Test
  void theFamilyOfFamiliesIsFoundWithItsGroup() throws IOException {
    try (var netlink = GenericNetlink.open()) {
      GenericNetlink.Family control = netlink.resolve("nlctrl");
      assertThat(control.id()).isEqualTo(16);
      assertThat(control.version()).isEqualTo(2);
      assertThat(control.groups()).containsKey("notify");
      netlink.socket().join(control.groups().get("notify"));
      netlink.socket().receiveBuffer(1 << 20);
      netlink.socket().dropSilently();
      assertThat(netlink.events()).isEmpty();
    }
  }

  @Test
  void aFamilyThatTheKernelDoesNotHaveIsNamed() throws IOException {
    try (var netlink = GenericNetlink.open()) {
      assertThatThrownBy(() -> netlink.resolve("no-such"))
          .isInstanceOfSatisfying(
              ErrnoException.class, e -> assertThat(e.is(Errno.ENOENT)).isTrue())
          .hasMessageContaining("resolve no-such");
      // and the connection still works
      assertThat(netlink.resolve("nlctrl").name()).isEqualTo("nlctrl");
    }
  }

  @Test
  void aRequestThatTheKernelDoesNotKnowIsRefusedWithItsName() throws IOException {
    try (var netlink = GenericNetlink.open()) {
      assertThatThrownBy(() -> netlink.request("nonsense", 16, 200, 1, Attributes.none()))
          .isInstanceOf(ErrnoException.class)
          .hasMessageContaining("netlink(nonsense)");
    }
  }

  @Test
  void aMessageLongerThanTheBufferIsAnErrorNotATruncation() throws IOException {
    try (var socket = NetlinkSocket.open()) {
      var wanted = Attributes.builder().string(2, "nlctrl").build();
      socket.send(new Message(16, Message.REQUEST, 1, 3, 2, wanted).encode());
      assertThatThrownBy(() -> socket.receive(ByteBuffer.allocateDirect(16)))
          .isInstanceOf(ProtocolException.class);
      assertThat(socket.receive(ByteBuffer.allocateDirect(4096))).isFalse();
    }
  }

  @Test
  void attributesAreReadAsTheyWereWritten() throws IOException {
    Attributes inner = Attributes.builder().string(1, "naïve").u8(2, 255).build();
    Attributes written =
        Attributes.builder()
            .u8(1, 200)
            .u16(2, 60_000)
            .u32(3, 4_000_000_000L)
            .u64(4, -5)
            .string(5, "")
            .nested(6, inner)
            .build();
    Message sent = new Message(30, 1, 77, 9, 2, written);
    var items = Message.decode(sent.encode());
    assertThat(items).hasSize(1);
    Message read = ((Message.Item.Content) items.get(0)).message();
    assertThat(read.command()).isEqualTo(9);
    assertThat(read.sequence()).isEqualTo(77);
    Attributes got = read.attributes();
    assertThat(got.u8(1)).hasValue(200);
    assertThat(got.u16(2)).hasValue(60_000);
    assertThat(got.u32(3)).hasValue(4_000_000_000L);
    assertThat(got.u64(4)).hasValue(-5);
    assertThat(got.string(5)).contains("");
    assertThat(got.nested(6).orElseThrow().string(1)).contains("naïve");
    assertThat(got.u32(7)).isEmpty();
    assertThatThrownBy(() -> got.u32(1)).isInstanceOf(ProtocolException.class);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void whateverTheBytesAreTheyAreReadOrRefused(long seed) {
    var random = new SplittableRandom(seed);
    var whole =
        new Message(
            30,
            0,
            0,
            1,
            2,
            Attributes.builder()
                .string(1, "tcm-user/0/d/overlaybd/x")
                .u32(2, 3)
                .nested(3, Attributes.builder().u64(1, 1).build())
                .build());
    for (int i = 0; i < 20_000; i++) {
      ByteBuffer bytes = whole.encode();
      bytes.limit(random.nextInt(bytes.limit() + 1));
      for (int n = random.nextInt(4); n > 0 && bytes.limit() > 0; n--) {
        bytes.put(random.nextInt(bytes.limit()), (byte) random.nextInt());
      }
      try {
        for (Message.Item item : Message.decode(bytes.order(ByteOrder.nativeOrder()))) {
          if (item instanceof Message.Item.Content(Message message)) {
            message.attributes().string(1);
            message.attributes().u32(2);
            message.attributes().nested(3);
            message.attributes().elements();
          }
        }
      } catch (ProtocolException expected) {
        assertThat(expected).hasMessageStartingWith("netlink: ");
      }
    }
  }
}
