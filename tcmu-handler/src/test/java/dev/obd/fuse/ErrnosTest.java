package dev.obd.fuse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.backstore.device.Status;
import dev.obd.nativeio.Errno;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrnosTest {
  @ParameterizedTest
  @CsvSource({
    "OUT_OF_RANGE, EINVAL",
    "MISALIGNED, EINVAL",
    "READ_ONLY, EROFS",
    "IO_ERROR, EIO",
    "TIMED_OUT, EIO",
    "DAMAGED, EIO",
    "NO_SPACE, ENOSPC",
    "SHUTTING_DOWN, ENODEV"
  })
  void eachStatusIsAnErrorNumber(Status status, Errno errno) {
    assertThat(Errnos.of(status)).isEqualTo(errno.number());
  }

  @ParameterizedTest
  @CsvSource({"OK, 0"})
  void successIsNoError(Status status, int errno) {
    assertThat(Errnos.of(status)).isEqualTo(errno);
  }
}
