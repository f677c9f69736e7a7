package dev.obd.format.zfile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.FormatException;
import dev.obd.testdata.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Hostile ZFiles: a format error or right bytes, nothing else. */
class ZFileFuzzTest {
  private static final byte[] CONTENT = Contents.of("mix", 31, 4 * 4096 + 77);
  private static final long[] INTERESTING = {
    0,
    1,
    2,
    4,
    5,
    96,
    511,
    512,
    513,
    4095,
    4096,
    4097,
    65536,
    1_000_000_000,
    1_000_000_001,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xFFFF_FFFFL,
    1L << 32,
    1L << 40,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -1,
    -512
  };

  private static byte[] file(SplittableRandom random) throws IOException {
    return ZFiles.write(
        CONTENT,
        ZFileWriterOptions.DEFAULT
            .withAlgorithm(random.nextBoolean() ? Algorithm.LZ4 : Algorithm.ZSTD)
            .withBlockBytes(random.nextBoolean() ? 4096 : 8192)
            .withOverwriteHeader(random.nextBoolean())
            .withVerify(random.nextInt(4) != 0));
  }

  /**
   * Every byte of the file is changed once, in some way; the checksums must notice all that matter.
   */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#fewSeeds")
  void oneWrongByteNeverGivesWrongContent(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] good =
        ZFiles.write(
            CONTENT,
            ZFileWriterOptions.DEFAULT
                .withAlgorithm(seed % 2 == 0 ? Algorithm.LZ4 : Algorithm.ZSTD)
                .withOverwriteHeader(seed % 4 < 2));
    int refused = 0;
    for (int at = 0; at < good.length; at++) {
      byte[] bad = good.clone();
      bad[at] ^= (byte) random.nextInt(1, 256);
      try (ZFile zfile = ZFile.open(ZFiles.source(bad))) {
        assertThat(ZFiles.readAll(zfile)).as("byte %d", at).isEqualTo(CONTENT);
      } catch (FormatException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(good.length - 1024);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("dev.obd.testdata.Seeded#seeds")
  void mutatedFilesEndInAFormatErrorOrInContentOfTheSizeTheyClaim(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    byte[] good = file(random);
    for (int i = 0; i < 5_000; i++) {
      byte[] bad = mutate(good, random);
      try (ZFile zfile = ZFile.open(ZFiles.source(bad))) {
        assertThat(zfile.size()).isBetween(0L, bad.length * 65536L);
        readSome(zfile, random);
      } catch (FormatException e) {
        assertThat(e.offset()).isBetween(0L, (long) bad.length);
      }
    }
  }

  private static void readSome(ZFile zfile, SplittableRandom random) throws IOException {
    int length = (int) Math.min(zfile.size(), 1 << 18);
    zfile.read(0, ByteBuffer.allocate(length));
    long from = random.nextLong(zfile.size() + 1);
    zfile.read(from, ByteBuffer.allocate((int) Math.min(zfile.size() - from, 10_000)));
  }

  private static byte[] mutate(byte[] good, SplittableRandom random) {
    byte[] bad =
        switch (random.nextInt(8)) {
          case 0 -> Arrays.copyOf(good, random.nextInt(good.length));
          case 1 -> Arrays.copyOf(good, good.length + random.nextInt(2_000));
          default -> good.clone();
        };
    for (int n = random.nextInt(1, 4); n > 0 && bad.length >= 1024; n--) {
      mutateOnce(bad, random);
    }
    if (bad.length >= 1024 && random.nextInt(4) != 0) { // or most would end at the digest
      ZFiles.fixDigest(bad, 0);
      ZFiles.fixDigest(bad, ZFiles.trailerAt(bad));
    }
    return bad;
  }

  private static void mutateOnce(byte[] bad, SplittableRandom random) {
    ByteBuffer fields = ZFiles.fields(bad);
    int base = random.nextBoolean() ? 0 : ZFiles.trailerAt(bad);
    long value = INTERESTING[random.nextInt(INTERESTING.length)];
    var all = ZFileHeader.Field.values();
    ZFileHeader.Field field = all[random.nextInt(2, all.length)];
    switch (random.nextInt(6)) {
      case 0 -> bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      case 1 -> bad[base + random.nextInt(24, 96)] ^= (byte) (1 << random.nextInt(8));
      case 2 -> fields.putInt(random.nextInt(512, bad.length - 512), (int) value);
      case 3 -> fields.putLong(base + ZFileHeader.Field.FLAGS.at, random.nextLong() & 0x1F);
      default -> {
        if (field.bytes == 8) {
          fields.putLong(base + field.at, value);
        } else if (field.bytes == 4) {
          fields.putInt(base + field.at, (int) value);
        } else {
          bad[base + field.at] = (byte) value;
        }
      }
    }
  }

  @Test
  void everyTruncationIsRefusedOrHarmless() throws IOException {
    for (boolean overwritten : new boolean[] {false, true}) {
      byte[] good =
          ZFiles.write(CONTENT, ZFileWriterOptions.DEFAULT.withOverwriteHeader(overwritten));
      for (int length = 0; length < good.length; length++) {
        try (ZFile zfile = ZFile.open(ZFiles.source(Arrays.copyOf(good, length)))) {
          assertThat(overwritten && length >= good.length - 512).as("%d bytes", length).isTrue();
          assertThat(ZFiles.readAll(zfile)).isEqualTo(CONTENT);
        } catch (FormatException e) {
          assertThat(overwritten && length >= good.length - 512).as("%d bytes", length).isFalse();
        }
      }
    }
  }
}
