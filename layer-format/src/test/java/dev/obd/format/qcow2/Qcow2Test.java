package dev.obd.format.qcow2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSourceContract;
import dev.obd.io.BlockSources;
import dev.obd.io.ExtentMap.Kind;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images are made by qemu-img and qemu-io; what qemu-img converts them to is the truth. */
class Qcow2Test extends BlockSourceContract {
  @TempDir private Path directory;

  @BeforeEach
  void needsQemu() {
    Tools.requireOnPath("qemu-img", "qemu-io");
  }

  @Override
  protected int granularity() {
    return 512;
  }

  @Override
  protected BlockSource open(byte[] content) throws IOException {
    Path raw = Files.write(directory.resolve("content"), content);
    return Qcow2.open(FileSource.open(convert(raw, "-c", "-o", "cluster_size=4k")));
  }

  static Stream<String> variants() {
    var variants = new ArrayList<String>();
    for (String cluster : new String[] {"512", "4k", "64k", "2M"}) {
      String o = "-o cluster_size=" + cluster;
      variants.add(o + ",compat=0.10");
      variants.add("-c " + o + ",compat=0.10");
      variants.add(o + ",compat=1.1");
      variants.add("-c " + o + ",compat=1.1,compression_type=zlib");
      variants.add("-c " + o + ",compat=1.1,compression_type=zstd");
      variants.add("-S 0 " + o + ",preallocation=metadata");
    }
    variants.add("-o preallocation=falloc");
    variants.add("-o preallocation=full,lazy_refcounts=on");
    variants.add("-o refcount_bits=1");
    return variants.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("variants")
  void readsWhatQemuWrote(String options) throws Exception {
    byte[] content = sparse(new SplittableRandom(options.hashCode()), 5_000_000 / 512 * 512);
    Path raw = Files.write(directory.resolve("raw"), content);
    Path image = convert(raw, options.split(" "));
    try (var disk = Qcow2.open(FileSource.open(image))) {
      assertThat(disk.size()).isEqualTo(content.length);
      assertThat(whole(disk)).isEqualTo(content);
      checkExtents(disk, content, image);
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void readsChainsOfImagesThatWereWrittenTo(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    int size = 2 << 20;
    Path below = Files.write(directory.resolve("base"), sparse(random, 1_500_000 / 512 * 512));
    String format = "raw";
    int depth = random.nextInt(1, 5);
    for (int i = 0; i < depth; i++) {
      Path image = directory.resolve("layer" + i);
      String cluster = new String[] {"512", "4k", "64k"}[random.nextInt(3)];
      // 2.5 MiB over 1.5 MB over ...: every image may be longer or shorter than the one below.
      long length = size + random.nextInt(-1000, 1000) * 512L;
      Processes.run(
          "qemu-img",
          "create",
          "-q",
          "-f",
          "qcow2",
          "-F",
          format,
          "-b",
          below.getFileName() + "",
          "-o",
          "cluster_size=" + cluster + (random.nextBoolean() ? ",compression_type=zstd" : ""),
          image.toString(),
          Long.toString(length));
      write(image, random, length, cluster);
      below = image;
      format = "qcow2";
    }
    Path truth = directory.resolve("truth");
    Processes.run(
        "qemu-img", "convert", "-f", "qcow2", "-O", "raw", below.toString(), truth.toString());
    byte[] content = Files.readAllBytes(truth);
    try (var disk = Qcow2.open(FileSource.open(below), BackingFiles.in(directory))) {
      assertThat(disk.size()).isEqualTo(content.length);
      assertThat(whole(disk)).isEqualTo(content);
      checkExtents(disk, content, null);
      for (int i = 0; i < 100; i++) {
        int from = random.nextInt(content.length);
        var part = ByteBuffer.allocate(random.nextInt(Math.min(300_000, content.length - from)));
        disk.read(from, part);
        assertThat(part.array())
            .isEqualTo(Arrays.copyOfRange(content, from, from + part.capacity()));
      }
    }
  }

  private static void write(Path image, SplittableRandom random, long length, String cluster)
      throws Exception {
    var commands = new ArrayList<>(List.of("qemu-io", "-f", "qcow2"));
    int unit = cluster.equals("64k") ? 65536 : cluster.equals("4k") ? 4096 : 512;
    // Compressed writes first and once each: QEMU refuses them over data, or gets confused.
    random
        .longs(random.nextInt(8), 0, length / unit - 1)
        .distinct()
        .mapToObj(n -> "write -c -P " + n % 256 + " " + n * unit + " " + unit)
        .forEach(write -> commands.addAll(List.of("-c", write)));
    for (int i = random.nextInt(20); i > 0; i--) {
      long at = random.nextLong(length / unit - 1) * unit;
      long count = Math.min(random.nextInt(1, 40) * (long) unit, length - at) / unit * unit;
      commands.add("-c");
      commands.add(
          switch (random.nextInt(4)) {
            case 0 -> "write -z " + at + " " + count;
            case 1 -> "discard " + at + " " + count;
            default -> "write -P " + random.nextInt(256) + " " + (at + 512) % length + " 512";
          });
    }
    commands.add(image.toString());
    Processes.run(commands.toArray(String[]::new));
  }

  @Test
  void knowsAnImageByItsMagic() throws Exception {
    Path image = create("empty", "1M");
    try (var file = FileSource.open(image)) {
      assertThat(Qcow2.isQcow2(file)).isTrue();
      assertThat(Qcow2.isQcow2(BlockSources.ofBytes("x", ByteBuffer.allocate(512)))).isFalse();
      assertThat(Qcow2.isQcow2(BlockSources.ofBytes("x", ByteBuffer.allocate(3)))).isFalse();
    }
  }

  @Test
  void aHugeEmptyDiskCostsNothing() throws Exception {
    Path image = create("huge", "64T", "-o", "cluster_size=2M");
    try (var disk = Qcow2.open(FileSource.open(image))) {
      assertThat(disk.size()).isEqualTo(64L << 40);
      var extents = new ArrayList<Long>();
      disk.extents(0, disk.size(), (offset, length, kind) -> extents.add(length));
      assertThat(extents).containsExactly(64L << 40);
      var end = ByteBuffer.allocate(5);
      disk.read(disk.size() - 5, end);
      assertThat(end.array()).containsOnly(0);
    }
  }

  @Test
  void aDiskOfNoBytesIsADisk() throws Exception {
    try (var disk = Qcow2.open(FileSource.open(create("none", "0")))) {
      assertThat(disk.size()).isZero();
      disk.extents(0, 0, (offset, length, kind) -> true);
    }
  }

  @Test
  void refusesByNameWhatItCannotRead() throws Exception {
    assertRefused(create("l2", "1M", "-o", "extended_l2=on"), "extended L2");
    Path data = directory.resolve("data");
    assertRefused(create("ext", "1M", "-o", "data_file=" + data), "external data file");
    assertRefused(patched("crypt", 35, 1), "crypt_method");
    assertRefused(patched("version", 7, 4), "version");
    assertRefused(patched("corrupt", 79, 2), "marked corrupt");
    assertRefused(patched("unknown", 78, 1), "only known features");
    assertRefused(patched("zstd", 104, 1), "compression_type");
    assertRefused(patched("bits", 23, 8), "cluster_bits");
    assertRefused(patched("size", 24, 0x80), "size");
    assertRefused(patched("l1size", 36, 1), "l1_size");
    assertRefused(patched("l1", 44, 1), "l1_table_offset");
    assertRefused(Files.write(directory.resolve("short"), new byte[71]), "header");
  }

  @Test
  void anImageThatWasCutOffIsAnErrorAndNotZeros() throws Exception {
    Path raw = Files.write(directory.resolve("raw"), sparse(new SplittableRandom(1), 1 << 20));
    byte[] image = Files.readAllBytes(convert(raw, "-o", "cluster_size=4k"));
    byte[] half = Arrays.copyOf(image, image.length / 2 + 100);
    try (var disk = Qcow2.open(BlockSources.ofBytes("half", ByteBuffer.wrap(half)))) {
      assertThatThrownBy(() -> whole(disk))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("half @");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/etc/passwd",
        "../secret",
        "link",
        "json:{\"driver\":\"file\"}",
        "nbd://127.0.0.1/x",
        "file:base",
        "missing",
        "base\\0x"
      })
  void aBackingFileOutsideTheDirectoryIsNotOpened(String name) throws Exception {
    Path inside = Files.createDirectory(directory.resolve("inside"));
    Files.write(directory.resolve("secret"), new byte[4096]);
    Files.createSymbolicLink(inside.resolve("link"), directory.resolve("secret"));
    byte[] image = Files.readAllBytes(create("img", "1M"));
    byte[] bytes = name.replace("\\0", "\0").getBytes(java.nio.charset.StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, image, 4096, bytes.length);
    ByteBuffer.wrap(image).putLong(8, 4096).putInt(16, bytes.length);
    BlockSource source = BlockSources.ofBytes("img", ByteBuffer.wrap(image));
    assertThatThrownBy(() -> Qcow2.open(source, BackingFiles.in(inside)))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> Qcow2.open(source)).hasMessageContaining("not allowed here");
  }

  @Test
  void anImageThatIsItsOwnBackingFileIsRefused() throws Exception {
    byte[] image = Files.readAllBytes(create("loop", "1M"));
    image[4096] = 'l';
    ByteBuffer.wrap(image).putLong(8, 4096).putInt(16, 1);
    Files.write(directory.resolve("l"), image);
    assertThatThrownBy(
            () -> Qcow2.open(FileSource.open(directory.resolve("l")), BackingFiles.in(directory)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("at most 32 in a row");
  }

  private void assertRefused(Path image, String because) throws IOException {
    try (var file = FileSource.open(image)) {
      assertThatThrownBy(() -> Qcow2.open(file))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining(because);
    }
  }

  private Path create(String name, String size, String... options) throws Exception {
    Path image = directory.resolve(name + ".qcow2");
    var command = new ArrayList<>(List.of("qemu-img", "create", "-q", "-f", "qcow2"));
    command.addAll(List.of(options));
    command.addAll(List.of(image.toString(), size));
    Processes.run(command.toArray(String[]::new));
    return image;
  }

  private Path patched(String name, int at, int value) throws Exception {
    Path image = create(name, "1M");
    byte[] bytes = Files.readAllBytes(image);
    bytes[at] = (byte) value;
    return Files.write(image, bytes);
  }

  private Path convert(Path raw, String... options) throws IOException {
    Path image = directory.resolve("image");
    var command = new ArrayList<>(List.of("qemu-img", "convert", "-f", "raw", "-O", "qcow2"));
    command.addAll(List.of(options));
    command.addAll(List.of(raw.toString(), image.toString()));
    try {
      Processes.run(command.toArray(String[]::new));
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    return image;
  }

  /** Extents cover the disk in order; what is no data is zeros; data is where qemu says. */
  private static void checkExtents(Qcow2 disk, byte[] content, Path image) throws Exception {
    var covered = new long[1];
    var data = new StringBuilder();
    var last = new Kind[1];
    disk.extents(
        0,
        content.length,
        (offset, length, kind) -> {
          assertThat(offset).isEqualTo(covered[0]);
          assertThat(length).isPositive();
          assertThat(kind).isNotEqualTo(last[0]);
          covered[0] += length;
          last[0] = kind;
          if (kind == Kind.DATA) {
            data.append(offset).append('+').append(length).append(' ');
          } else {
            for (long i = offset; i < offset + length; i++) {
              if (content[(int) i] != 0) {
                throw new AssertionError("byte " + i + " of a " + kind + " is not zero");
              }
            }
          }
          return true;
        });
    assertThat(covered[0]).isEqualTo(content.length);
    if (image != null) {
      assertThat(data.toString()).isEqualTo(dataByQemu(image));
    }
    disk.extents(
        0,
        content.length,
        (offset, length, kind) -> {
          assertThat(offset).isZero();
          return false;
        });
  }

  private static String dataByQemu(Path image) throws Exception {
    String json =
        Processes.run("qemu-img", "map", "-f", "qcow2", "--output=json", image.toString()).text();
    var data = new StringBuilder();
    long from = -1;
    long end = -1;
    for (JsonElement element : JsonParser.parseString(json).getAsJsonArray()) {
      var extent = element.getAsJsonObject();
      long start = extent.get("start").getAsLong();
      if (extent.get("data").getAsBoolean()) {
        if (start != end) {
          data.append(from < 0 ? "" : from + "+" + (end - from) + " ");
          from = start;
        }
        end = start + extent.get("length").getAsLong();
      }
    }
    return data.append(from < 0 ? "" : from + "+" + (end - from) + " ").toString();
  }

  static byte[] whole(BlockSource disk) throws IOException {
    return BlockSources.readFully(disk, 0, (int) disk.size()).array();
  }

  /** Random bytes, text-like bytes that compress, and runs of zeros. */
  static byte[] sparse(SplittableRandom random, int size) {
    var content = new byte[size];
    for (int at = 0; at < size; ) {
      int length = Math.min(size - at, random.nextInt(1, 300_000));
      int kind = random.nextInt(3);
      for (int i = at; kind > 0 && i < at + length; i++) {
        content[i] = (byte) (kind == 1 ? random.nextInt() : i >> 6);
      }
      at += length;
    }
    return content;
  }
}
