package dev.obd.kernelnbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdDeviceOptionsTest {
  private static NbdDeviceOptions parse(String where) throws IOException {
    return NbdDeviceOptions.parse(URI.create(where));
  }

  @Test
  void anEmptyPathIsTheFirstFreeDevice() throws Exception {
    NbdDeviceOptions options = parse("nbd-device:///");
    assertThat(options.index()).isEmpty();
    assertThat(options.connections()).isEqualTo(1);
    assertThat(options.blockBytes()).isEqualTo(512);
    assertThat(options.readOnly()).isFalse();
    assertThat(options.force()).isFalse();
  }

  @Test
  void everythingCanBeChosen() throws Exception {
    NbdDeviceOptions options =
        parse("nbd-device:///nbd12?connections=4&timeout=90&dead=300&block=4096&ro&force=1");
    assertThat(options.index()).hasValue(12);
    assertThat(options.connections()).isEqualTo(4);
    assertThat(options.timeout()).isEqualTo(Duration.ofSeconds(90));
    assertThat(options.dead()).isEqualTo(Duration.ofMinutes(5));
    assertThat(options.blockBytes()).isEqualTo(4096);
    assertThat(options.readOnly()).isTrue();
    assertThat(options.force()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbd-device:nbd1",
        "nbd-device:/sda",
        "nbd-device:///nbd",
        "nbd-device:///nbd99999",
        "nbd-device:///nbd1/x",
        "nbd-device://host/nbd1",
        "nbd-device:///nbd1?connections=0",
        "nbd-device:///nbd1?connections=x",
        "nbd-device:///nbd1?timeout=-1",
        "nbd-device:///nbd1?timeout=0&connections=2",
        "nbd-device:///nbd1?dead=-1",
        "nbd-device:///nbd1?block=1000",
        "nbd-device:///nbd1?block=8192",
        "nbd-device:///nbd1?colour=red"
      })
  void whatMakesNoSenseIsRefused(String where) {
    assertThatThrownBy(() -> parse(where)).isInstanceOf(IOException.class);
    assertThat(new NbdDeviceFrontend().unavailableBecause(URI.create(where))).isPresent();
  }
}
