package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FuseOptionsTest {
  private static FuseOptions parse(String uri) throws IOException {
    return FuseOptions.parse(URI.create(uri));
  }

  @Test
  void aPathAloneIsAFile() throws IOException {
    assertThat(parse("fuse:///a/b%20c"))
        .isEqualTo(
            new FuseOptions(Path.of("/a/b c"), false, Optional.empty(), "ext4", "", false, false));
  }

  @Test
  void aMountImpliesALoopDevice() throws IOException {
    FuseOptions options =
        parse("fuse:///f?mount=/mnt/a%26b&fstype=erofs&options=noatime,x%3D1&ro=1&force=true");
    assertThat(options.loop()).isTrue();
    assertThat(options.mount()).contains(Path.of("/mnt/a&b"));
    assertThat(options.fileSystem()).isEqualTo("erofs");
    assertThat(options.mountOptions()).isEqualTo("noatime,x=1");
    assertThat(options.readOnly()).isTrue();
    assertThat(options.force()).isTrue();
  }

  @Test
  void aPlusIsAPlusAndAFlagNeedsNoValue() throws IOException {
    assertThat(parse("fuse:///f?mount=/a+b").mount()).contains(Path.of("/a+b"));
    assertThat(parse("fuse:///f?loop").loop()).isTrue();
    assertThat(parse("fuse:///f?loop=0").loop()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fuse:relative",
        "fuse:///",
        "fuse://host/f",
        "fuse:///f?loup=1",
        "fuse:///f?ro=yes",
        "fuse:///f?mount=mnt",
        "fuse:///f?mount=/a&"
      })
  void whatIsNotUnderstoodIsRefused(String uri) {
    assertThatThrownBy(() -> parse(uri)).isInstanceOf(IOException.class);
  }
}
