package dev.obd.backstore.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.disk.DiskCopy.Method;
import dev.obd.io.PendingFile.Existing;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class DiskCopyTest {
  private static final int SIZE = 8 << 20;

  @TempDir private Path dir;

  static LongStream seeds() {
    long fresh = System.nanoTime();
    System.out.println("fresh seed " + fresh);
    return LongStream.of(1, 2, 3, fresh);
  }

  /** A disk with random pieces of data in it, holes between them, perhaps one at the end. */
  private Path disk(long seed, byte[] model) throws IOException {
    var random = new SplittableRandom(seed);
    Path disk = dir.resolve("disk-" + seed);
    try (FileChannel file =
        FileChannel.open(disk, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (int i = 0; i < random.nextInt(1, 12); i++) {
        int at = random.nextInt(model.length / 4096) * 4096;
        int length = Math.min(random.nextInt(1, 400_000), model.length - at);
        byte[] data = Contents.of("mix", seed + i, length);
        System.arraycopy(data, 0, model, at, length);
        file.write(ByteBuffer.wrap(data), at);
      }
      if (file.size() < model.length) {
        file.write(ByteBuffer.allocate(1), model.length - 1);
      }
    }
    return disk;
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aCopyHasTheSameBytesAndTheSameHolesAndMayBeLarger(long seed) throws IOException {
    byte[] model = new byte[SIZE];
    Path disk = disk(seed, model);
    Path copy = dir.resolve("copy");
    DiskCopy.copy(disk, copy, SIZE, Existing.KEEP);
    assertThat(copy).hasBinaryContent(model);
    assertThat(DiskCopy.dataBytes(copy)).isEqualTo(DiskCopy.dataBytes(disk));
    DiskCopy.copy(disk, copy, 3L * SIZE, Existing.REPLACE);
    assertThat(copy).hasBinaryContent(Arrays.copyOf(model, 3 * SIZE));
    assertThat(DiskCopy.dataBytes(copy)).isLessThanOrEqualTo(DiskCopy.dataBytes(disk) + 4096);
  }

  @Test
  void aDiskThatIsAllHoleIsCopiedAsOne() throws IOException {
    Path disk = dir.resolve("empty");
    try (FileChannel file =
        FileChannel.open(disk, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), (1L << 40) - 1);
    }
    Path copy = dir.resolve("copy");
    DiskCopy.copy(disk, copy, 1L << 40, Existing.KEEP);
    assertThat(Files.size(copy)).isEqualTo(1L << 40);
    assertThat(DiskCopy.dataBytes(copy)).isLessThanOrEqualTo(8192);
  }

  @Test
  void aFileThatIsThereStaysUnlessItMayBeReplacedAndNothingElseIsLeft() throws IOException {
    byte[] model = new byte[SIZE];
    Path disk = disk(1, model);
    Path precious = Files.writeString(dir.resolve("precious"), "precious");
    assertThatThrownBy(() -> DiskCopy.copy(disk, precious, SIZE, Existing.KEEP))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(precious).hasContent("precious");
    DiskCopy.copy(disk, precious, SIZE, Existing.REPLACE);
    assertThat(precious).hasBinaryContent(model);
    try (Stream<Path> all = Files.list(dir)) {
      assertThat(all).containsExactlyInAnyOrder(disk, precious);
    }
  }

  @Test
  void theMethodSaysWhatTheFileSystemCan() throws IOException {
    byte[] model = new byte[SIZE];
    String type = Files.getFileStore(dir).type();
    Method method = DiskCopy.copy(disk(1, model), dir.resolve("copy"), SIZE, Existing.KEEP);
    if (type.equals("ext4") || type.equals("tmpfs")) {
      assertThat(method).isEqualTo(Method.SPARSE_COPY);
    } else if (type.equals("btrfs")) {
      assertThat(method).isEqualTo(Method.REFLINK);
    }
  }
}
