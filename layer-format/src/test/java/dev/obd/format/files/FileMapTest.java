package dev.obd.format.files;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.format.FileSystems;
import dev.obd.format.files.FileMap.Place;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSource;
import dev.obd.io.Range;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The tree that a disk was made from is the truth. */
class FileMapTest {
  private static final int FILES = 60;

  @TempDir private static Path directory;
  private static final Map<String, byte[]> contents = new HashMap<>();
  private static Path image;

  @BeforeAll
  static void makeDisk() throws Exception {
    Tools.requireOnPath("mke2fs");
    Path tree = Files.createDirectories(directory.resolve("tree"));
    var random = new SplittableRandom(1);
    for (int i = 0; i < FILES; i++) {
      byte[] content = new byte[random.nextInt(200_000)];
      random.nextBytes(content);
      String path = "d" + i % 7 + "/f" + i;
      contents.put(path, content);
      Files.createDirectories(tree.resolve("d" + i % 7));
      Files.write(tree.resolve(path), content);
    }
    Files.createLink(tree.resolve("hard"), tree.resolve("d3/f3"));
    contents.put("hard", contents.get("d3/f3"));
    image = directory.resolve("disk");
    Processes.run(
        "mke2fs", "-q", "-F", "-t", "ext4", "-d", tree.toString(), image.toString(), "64M");
  }

  @Test
  void everyByteOfADiskBelongsToTheFileThatHasItOrToNobody() throws Exception {
    try (FileSource disk = FileSource.open(image)) {
      FileMap map = FileMap.of(FileSystems.open(disk));
      Map<String, Long> seen = new HashMap<>();
      for (Place place : map.places(new Range(0, disk.size()))) {
        check(disk, place);
        place.file().ifPresent(f -> seen.merge(f.path(), within(place, f.size()), Math::addExact));
      }
      contents.forEach((path, content) -> {
        if (!path.equals("hard") && !path.equals("d3/f3") && content.length > 0) {
          assertThat(seen).as(path).containsEntry(path, (long) content.length);
        }
      });
      assertThat(seen.containsKey("hard") ^ seen.containsKey("d3/f3")).isTrue();
      assertThat(seen).containsKeys("", "d0", "lost+found");
      assertThat(map.files()).extracting(FileMap.File::path).contains("d1/f1", "d0", "");
    }
  }

  @Test
  void thePlacesOfARangeAreTheRange() throws Exception {
    try (FileSource disk = FileSource.open(image)) {
      FileMap map = FileMap.of(FileSystems.open(disk));
      var random = new SplittableRandom(2);
      for (int i = 0; i < 2000; i++) {
        long from = random.nextLong(disk.size());
        Range range = new Range(from, random.nextLong(Math.min(1 << 20, disk.size() - from) + 1));
        List<Place> places = map.places(range);
        long at = range.offset();
        for (Place place : places) {
          assertThat(place.disk().offset()).isEqualTo(at);
          assertThat(place.disk().length()).isPositive();
          check(disk, place);
          at = place.disk().end();
        }
        assertThat(at).isEqualTo(range.end());
      }
    }
  }

  private static long within(Place place, long size) {
    return Math.min(place.fileOffset() + place.disk().length(), size) - place.fileOffset();
  }

  private static void check(FileSource disk, Place place) throws IOException {
    if (place.file().isEmpty() || place.file().get().type() != FileType.REGULAR) {
      return;
    }
    byte[] content = contents.get(place.file().get().path());
    int from = (int) place.fileOffset();
    int length = (int) within(place, content.length);
    ByteBuffer found = BlockSources.readFully(disk, place.disk().offset(), length);
    assertThat(found).isEqualTo(ByteBuffer.wrap(Arrays.copyOfRange(content, from, from + length)));
  }
}
