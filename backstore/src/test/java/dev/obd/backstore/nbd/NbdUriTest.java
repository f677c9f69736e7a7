package dev.obd.backstore.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NbdUriTest {
  @Test
  void bothFormsSayAddressAndExport() {
    NbdUri unix = NbdUri.parse(URI.create("nbd+unix:///my%20disk?socket=/run/a%26b+c"));
    assertThat(unix.export()).isEqualTo("my disk");
    assertThat(unix.address()).isEqualTo(UnixDomainSocketAddress.of("/run/a&b+c"));
    NbdUri tcp = NbdUri.parse(URI.create("nbd://127.0.0.1:99/x"));
    assertThat(tcp).isEqualTo(new NbdUri(new InetSocketAddress("127.0.0.1", 99), "x"));
    assertThat(NbdUri.parse(URI.create("nbd://[::1]")))
        .isEqualTo(new NbdUri(new InetSocketAddress("::1", 10809), ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a", "a/b", "ü &?=+%#", "\"<>\\^`{|}"})
  void whatIsWrittenIsReadAgain(String name) {
    Path socket = Path.of("/tmp/" + name + "/s");
    NbdUri unix = NbdUri.ofUnix(socket, name);
    assertThat(NbdUri.parse(URI.create(unix.toString()))).isEqualTo(unix);
    NbdUri tcp = NbdUri.ofTcp(new InetSocketAddress("::1", 7), name);
    assertThat(NbdUri.parse(URI.create(tcp.toString()))).isEqualTo(tcp);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nbd+unix:///x", "nbd+unix:///x?socket=", "nbd:x", "http://h/x", "x"})
  void otherFormsAreRefused(String uri) {
    assertThatThrownBy(() -> NbdUri.parse(URI.create(uri)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected");
  }
}
