package dev.obd.format.tar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FormatException;
import dev.obd.testdata.Contents;
import dev.obd.testdata.Tools;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TarReaderTest {
  private static final byte[] CONTENT = Contents.of("text", 2, 1_234);

  private static BlockSource source(byte[] bytes) {
    return BlockSources.ofBytes("tar", ByteBuffer.wrap(bytes));
  }

  /** An archive without its two zero blocks, to put another after it. */
  private static byte[] open(byte[] archive) {
    return Arrays.copyOf(archive, archive.length - 1024);
  }

  private static byte[] concat(byte[]... parts) {
    var all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  /** A member of another type; its name is of no consequence. */
  private static byte[] typed(char type, byte[] content) {
    byte[] member = open(TarMember.wrap("extension", 0, content));
    member[156] = (byte) type;
    TarOffsetTest.fixChecksum(member, 0);
    return member;
  }

  private static byte[] pax(String records) {
    return typed('x', records.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void theWrappedMemberIsFound() throws IOException {
    byte[] tar = TarMember.wrap("trace", 0444, CONTENT);
    assertThat(TarReader.find(source(tar), "trace"))
        .contains(new TarReader.Member("trace", 0444, 512, CONTENT.length));
    assertThat(TarReader.read(tar, "./trace", 2_000))
        .hasValueSatisfying(found -> assertThat(found).isEqualTo(CONTENT));
    assertThat(TarReader.read(tar, "race", 2_000)).isEmpty();
    assertThatThrownBy(() -> TarReader.read(tar, "trace", 1_233))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("size of trace: expected at most 1233, got 1234");
    try (BlockSource content = TarReader.find(source(tar), "trace").orElseThrow().of(source(tar))) {
      assertThat(BlockSources.readFully(content, 0, 1_234).array()).isEqualTo(CONTENT);
    }
  }

  @Test
  void otherMembersAreSkippedAndOnlyRegularFilesFound() throws IOException {
    byte[] link = open(TarMember.wrap("trace", 0777, new byte[0]));
    link[156] = '2';
    link[124 + 10] = '5'; // a size that means nothing
    TarOffsetTest.fixChecksum(link, 0);
    byte[] tar =
        concat(
            typed('g', "13 comment=x\n".getBytes(StandardCharsets.US_ASCII)),
            link,
            open(TarMember.wrap("other", 0644, new byte[700])),
            TarMember.wrap("trace", 0444, CONTENT));
    assertThat(TarReader.read(tar, "trace", 2_000))
        .hasValueSatisfying(found -> assertThat(found).isEqualTo(CONTENT));
  }

  @Test
  void paxGivesNameAndSize() throws IOException {
    String name = "a/" + "long/".repeat(40) + "näme";
    byte[] member = TarMember.wrap("short", 0644, CONTENT);
    System.arraycopy("00000000000".getBytes(StandardCharsets.US_ASCII), 0, member, 124, 11);
    TarOffsetTest.fixChecksum(member, 0);
    byte[] tar = concat(pax(Pax.record("path", name) + Pax.record("size", "1234")), member);
    assertThat(TarReader.read(tar, name, 2_000))
        .hasValueSatisfying(found -> assertThat(found).isEqualTo(CONTENT));
    assertThat(TarReader.find(source(tar), "short")).isEmpty();
  }

  @Test
  void anExtensionCountsForOneMemberOnly() throws IOException {
    byte[] tar =
        concat(
            pax(Pax.record("path", "first")),
            open(TarMember.wrap("x", 0644, new byte[10])),
            TarMember.wrap("trace", 0444, CONTENT));
    assertThat(TarReader.find(source(tar), "first")).isPresent();
    assertThat(TarReader.find(source(tar), "trace")).isPresent();
    assertThat(TarReader.find(source(tar), "x")).isEmpty();
  }

  @Test
  void gnuLongNamesAreRead() throws IOException {
    String name = "deep/" + "d/".repeat(100) + "trace";
    byte[] tar =
        concat(
            typed('K', "a long link target\0".getBytes(StandardCharsets.US_ASCII)),
            typed('L', (name + "\0").getBytes(StandardCharsets.US_ASCII)),
            TarMember.wrap("truncated", 0444, CONTENT));
    assertThat(TarReader.find(source(tar), name)).isPresent();
  }

  @Test
  void aMissingEndIsNoError() throws IOException {
    byte[] tar = open(TarMember.wrap("other", 0644, new byte[512]));
    assertThat(TarReader.find(source(tar), "trace")).isEmpty();
    assertThat(TarReader.find(source(new byte[0]), "trace")).isEmpty();
  }

  @Test
  void limitsAreKept() {
    byte[] many = concat(typed('g', new byte[0]), typed('g', new byte[0]), new byte[512]);
    assertThatThrownBy(() -> TarReader.find(source(many), "trace", new TarReader.Limits(2, 100)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tar headers: expected at most 2, got more");
    byte[] big = concat(typed('x', new byte[101]), TarMember.wrap("trace", 0, CONTENT));
    assertThatThrownBy(() -> TarReader.find(source(big), "trace", new TarReader.Limits(9, 100)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tar extension size: expected at most 100, got 101");
  }

  @Test
  void damageIsRefused() {
    byte[] wrongSum = TarMember.wrap("other", 0644, CONTENT);
    wrongSum[3]++;
    assertRefused(wrongSum, "tar header: expected a correct checksum");
    byte[] tooLong = Arrays.copyOf(TarMember.wrap("other", 0644, CONTENT), 1_000);
    assertRefused(tooLong, "tar member size: expected at most 488, got 1234");
    assertRefused(
        concat(pax(Pax.record("size", "999999999999999999")), TarMember.wrap("o", 0, CONTENT)),
        "tar member size");
    assertRefused(typed('S', CONTENT), "sparse");
    assertRefused(
        concat(pax(Pax.record("GNU.sparse.major", "1")), TarMember.wrap("trace", 0, CONTENT)),
        "sparse");
  }

  private static void assertRefused(byte[] tar, String message) {
    assertThatThrownBy(() -> TarReader.find(source(tar), "trace"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gnu", "oldgnu", "pax", "posix", "ustar", "v7"})
  void everyFormatOfGnuTarIsRead(String format, @TempDir Path dir)
      throws IOException, InterruptedException {
    Tools.requireOnPath("tar");
    String name = "some/" + (format.equals("v7") ? "" : "directory/".repeat(9)) + "trace";
    Path file = Files.createDirectories(dir.resolve(name).getParent()).resolve("trace");
    Files.write(file, CONTENT);
    Files.write(dir.resolve("before"), new byte[3_000]);
    Path tar = dir.resolve("it.tar");
    TarLayerWriterTest.run(
        dir, "tar", "-c", "--format=" + format, "-f", tar.toString(), "before", "./some");
    Optional<byte[]> found = TarReader.read(Files.readAllBytes(tar), name, 2_000);
    assertThat(found).hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(CONTENT));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void mutatedArchivesEndInAFormatErrorOrAMemberInsideTheArchive(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] good =
        concat(
            pax(Pax.record("path", "one/two") + Pax.record("size", "700")),
            open(TarMember.wrap("x", 0644, new byte[700])),
            typed('L', "long/name\0".getBytes(StandardCharsets.US_ASCII)),
            TarMember.wrap("trace", 0444, CONTENT));
    for (int i = 0; i < 5_000; i++) {
      byte[] bad = good.clone();
      for (int n = random.nextInt(1, 5); n > 0; n--) {
        bad[random.nextInt(bad.length)] = (byte) (random.nextBoolean() ? random.nextInt() : '7');
      }
      for (int at = 0; at + 512 <= bad.length && random.nextInt(4) != 0; at += 512) {
        if (good[at + 257] == 'u') {
          TarOffsetTest.fixChecksum(bad, at);
        }
      }
      byte[] cut = random.nextInt(8) == 0 ? Arrays.copyOf(bad, random.nextInt(bad.length)) : bad;
      try {
        for (String name : new String[] {"long/name", "one/two"}) {
          TarReader.find(source(cut), name)
              .ifPresent(m -> assertThat(m.offset() + m.size()).isBetween(512L, (long) cut.length));
        }
      } catch (FormatException e) {
        assertThat(e.offset()).isBetween(0L, (long) cut.length);
      }
    }
  }
}
