package dev.obd.ublk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StructuresTest {
  private static ByteBuffer zeros() {
    return ByteBuffer.allocate(4096).order(ByteOrder.nativeOrder());
  }

  @Test
  void aDeviceIsWhatItWasAskedToBe() {
    DeviceInfo wanted = DeviceInfo.wanted(128, 1 << 18, 4711, 0x58, DeviceTag.of("a"));
    ByteBuffer bytes = zeros();
    wanted.encode(bytes);
    assertThat(DeviceInfo.decode(bytes)).isEqualTo(wanted);
    assertThat(bytes.getInt(12)).as("any number").isEqualTo(-1);
    assertThat(bytes.getInt(8)).isEqualTo(1 << 18);
  }

  @Test
  void aStateThatIsNotKnownIsNeitherLiveNorDead() {
    assertThat(DeviceInfo.decode(zeros().putShort(4, (short) 1)).state())
        .isEqualTo(DeviceInfo.State.LIVE);
    assertThat(DeviceInfo.decode(zeros().putShort(4, (short) 3)).state())
        .isEqualTo(DeviceInfo.State.OTHER);
    assertThat(DeviceInfo.decode(zeros().putShort(4, (short) -1)).state())
        .isEqualTo(DeviceInfo.State.OTHER);
  }

  @Test
  void onlyATagOfOursIsOurs() {
    DeviceTag tag = DeviceTag.of("name");
    assertThat(DeviceTag.of(tag.bits())).contains(tag);
    assertThat(DeviceTag.of(0L)).isEmpty();
    assertThat(DeviceTag.of(tag.bits() ^ (1L << 48))).isEmpty();
    assertThat(DeviceTag.of("other")).isNotEqualTo(tag);
    assertThat(tag.bits() >>> 48).isEqualTo(0x0bd1);
  }

  @Test
  void parametersAreThoseOfTheDisk() throws Exception {
    for (boolean writable : new boolean[] {true, false}) {
      var parameters = new Parameters(5L << 40, writable);
      ByteBuffer bytes = zeros();
      parameters.encode(bytes, 1 << 18);
      assertThat(Parameters.decode(bytes)).isEqualTo(parameters);
      assertThat(bytes.getInt(0)).isEqualTo(64);
      assertThat(bytes.getInt(16)).as("sectors in a request").isEqualTo(512);
      assertThat(bytes.getInt(48) != 0).as("discards").isEqualTo(writable);
    }
    assertThatThrownBy(() -> Parameters.decode(zeros())).hasMessageContaining("parameters");
    assertThatThrownBy(() -> Parameters.decode(zeros().putInt(4, 1).putLong(24, -1)))
        .hasMessageContaining("sectors");
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.12.95+deb12-cloud-amd64", "6.12", "6.16.0", "7.0-rc1", "10.1.2"})
  void aKernelThatWasTriedOrIsLaterIsRecent(String release) {
    assertThat(UblkFrontend.isRecent(release)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1.0-49-amd64", "5.15", "6", "", "Linux"})
  void anyOtherIsNot(String release) {
    assertThat(UblkFrontend.isRecent(release)).isFalse();
  }
}
