package dev.obd.backstore.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class MapFormatTest {
  private static final long SIZE = 2 * 16384 + 5000;

  private final MapFormat format = new MapFormat(CacheTests.digest(0xabc), SIZE, 16384);

  private static long crc(java.util.zip.Checksum sum, byte[] bytes) {
    sum.update(bytes);
    return sum.getValue();
  }

  @Test
  void theHeaderIsWhatTheDocumentSays() throws IOException {
    record Row(String field, int offset, int bytes) {}
    Path document = Path.of(System.getProperty("obd.repo"), "docs/formats/cache.md");
    Matcher rows =
        Pattern.compile("(?m)^\\| (\\d+) \\| (\\d+) \\| (\\w+) \\|")
            .matcher(Files.readString(document));
    List<Row> table =
        rows.results()
            .map(r ->
                new Row(r.group(3), Integer.parseInt(r.group(1)), Integer.parseInt(r.group(2))))
            .toList();
    assertThat(table)
        .containsExactly(
            new Row("magic", MapFormat.MAGIC_AT, 8),
            new Row("version", MapFormat.VERSION_AT, 4),
            new Row("unit", MapFormat.UNIT_AT, 4),
            new Row("size", MapFormat.SIZE_AT, 8),
            new Row("digest", MapFormat.DIGEST_AT, 32),
            new Row("reserved", MapFormat.RESERVED_AT, 4),
            new Row("crc", MapFormat.HEADER_CRC_AT, 4));
    assertThat(table.getLast().offset() + table.getLast().bytes())
        .isEqualTo(MapFormat.HEADER_BYTES);
  }

  @Test
  void aHeaderHasItsFieldsInPlaceAndReadsBack() {
    byte[] raw = format.header().array();
    assertThat(new String(raw, 0, 8, StandardCharsets.US_ASCII)).isEqualTo("obdcache");
    assertThat(HexFormat.of().formatHex(raw, 8, 24))
        .isEqualTo("01000000" + "00400000" + "8893000000000000");
    assertThat(HexFormat.of().formatHex(raw, 24, 56)).isEqualTo(format.digest().hex());
    ByteBuffer fields = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(fields.getInt(60))
        .isEqualTo((int) crc(new CRC32C(), java.util.Arrays.copyOf(raw, 60)));
    assertThat(MapFormat.decode(format.digest(), format.header())).contains(format);
    assertThat(MapFormat.decode(CacheTests.digest(1), format.header())).isEmpty();
  }

  @Test
  void aRecordIsWhatTheDocumentSays() {
    byte[] unit = CacheTests.content(1, 5000); // the last unit: one block and a part
    Scratch scratch = new Scratch(format);
    ByteBuffer record = scratch.seal(2, ByteBuffer.wrap(unit));
    assertThat(format.recordBytes()).isEqualTo(4 * 4 + 8);
    assertThat(format.recordAt(2)).isEqualTo(64 + 2 * 24);
    byte[] raw = new byte[24];
    record.get(raw);
    ByteBuffer expected = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    expected.putInt((int) crc(new CRC32C(), java.util.Arrays.copyOf(unit, 4096)));
    expected.putInt((int) crc(new CRC32C(), java.util.Arrays.copyOfRange(unit, 4096, 5000)));
    ByteBuffer covered = ByteBuffer.allocate(56 + 8 + 16).order(ByteOrder.LITTLE_ENDIAN);
    covered.put(format.header().array(), 0, 56).putLong(2).put(expected.array(), 0, 16);
    expected.putInt(16, (int) crc(new CRC32C(), covered.array()));
    expected.putInt(20, (int) crc(new CRC32(), covered.array()));
    assertThat(raw).isEqualTo(expected.array());
    assertThat(scratch.holds(2)).isTrue();
    assertThat(scratch.holds(1)).isFalse();
    assertThat(scratch.blank()).isEqualTo(ByteBuffer.allocate(24));
    assertThat(scratch.isBlank()).isTrue();
  }

  @Test
  void hostileSizesAreNotCached() {
    assertThat(new MapFormat(format.digest(), 1L << 42, 4096).cacheable()).isFalse();
    assertThat(new MapFormat(format.digest(), 1L << 42, 65536).cacheable()).isTrue();
    ByteBuffer header = new MapFormat(format.digest(), 1L << 42, 4096).header();
    assertThat(MapFormat.decode(format.digest(), header)).isEmpty();
  }
}
