package dev.obd.backstore.build;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.backstore.build.TraceCarrier.Carried;
import dev.obd.backstore.build.TraceCarrier.Share;
import dev.obd.backstore.image.LayerAccesses;
import dev.obd.format.FileSystems;
import dev.obd.format.files.FileSystemReader;
import dev.obd.format.files.Inode;
import dev.obd.format.lsmt.ImportOptions;
import dev.obd.format.lsmt.LayerStack;
import dev.obd.format.lsmt.RawLayerWriter;
import dev.obd.format.lsmt.SealedLayer;
import dev.obd.io.BlockSource;
import dev.obd.io.BlockSources;
import dev.obd.io.FileSink;
import dev.obd.io.FileSource;
import dev.obd.io.FormatException;
import dev.obd.io.Range;
import dev.obd.testdata.Processes;
import dev.obd.testdata.Tools;
import dev.obd.trace.Access;
import dev.obd.trace.Intervals;
import dev.obd.trace.Intervals.Interval;
import dev.obd.trace.Trace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disks of mke2fs; what reading the same files of the rebuild reads is the truth. */
class TraceCarrierTest {
  private static final int FILES = 100;
  private static final long WHOLE = Long.MAX_VALUE;

  @TempDir private Path directory;

  @BeforeEach
  void needsE2fsprogs() {
    Tools.requireOnPath("mke2fs");
  }

  /** Content by path. */
  private static Map<String, byte[]> tree(int seed) {
    Map<String, byte[]> tree = new TreeMap<>();
    var random = new SplittableRandom(seed);
    for (int i = 0; i < FILES; i++) {
      tree.put("usr/d" + i % 9 + "/f" + i, bytes(random, 1 + random.nextInt(300_000)));
    }
    return tree;
  }

  private static byte[] bytes(SplittableRandom random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private LayerStack disk(String name, Map<String, byte[]> tree) throws Exception {
    Path root = directory.resolve(name);
    for (Map.Entry<String, byte[]> file : tree.entrySet()) {
      Path path = root.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.write(path, file.getValue());
    }
    Path raw = directory.resolve(name + ".raw");
    Processes.run("mke2fs", "-q", "-F", "-b", "4096", "-d", root.toString(), raw.toString(), "96M");
    Path layer = directory.resolve(name + ".lsmt");
    try (FileSource from = FileSource.open(raw);
        FileSink out = FileSink.create(layer)) {
      RawLayerWriter.write(from, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    return LayerStack.open(List.of(SealedLayer.open(FileSource.open(layer))));
  }

  /** What a program reads that opens these files, each up to so many bytes. */
  private static Trace reads(LayerStack stack, Map<String, Long> files) throws IOException {
    FileSystemReader reader = FileSystems.open(stack);
    List<Range> ranges = new ArrayList<>(List.of(new Range(0, 8192)));
    for (Map.Entry<String, Long> file : files.entrySet()) {
      String path = "";
      for (String part : file.getKey().split("/")) {
        Inode above = reader.resolve(path);
        ranges.add(new Range(above.offset() / 4096 * 4096, 4096));
        ranges.addAll(reader.ranges(above));
        path += "/" + part;
      }
      Inode inode = reader.resolve(path);
      ranges.add(new Range(inode.offset() / 4096 * 4096, 4096));
      long left = Math.min(file.getValue(), inode.size());
      for (Range range : reader.ranges(inode)) {
        long length = Math.min(left, range.length());
        if (length > 0) {
          ranges.add(new Range(range.offset(), (length + 4095) / 4096 * 4096));
        }
        left -= length;
      }
    }
    return LayerAccesses.of(stack, ranges);
  }

  /** Share of what {@code wanted} reads that {@code there} has. */
  private static double hits(Trace wanted, Trace there) {
    Intervals has = new Intervals();
    there.forEach(access -> has.add(access.offset(), access.offset() + access.length()));
    long all = 0;
    long missing = 0;
    Intervals once = new Intervals();
    for (Access access : wanted) {
      for (Interval part : once.add(access.offset(), access.offset() + access.length())) {
        all += part.end() - part.from();
        for (Interval fresh : has.add(part.from(), part.end())) {
          missing += fresh.end() - fresh.from();
        }
      }
    }
    return 1 - (double) missing / all;
  }

  private static long unique(Trace trace) {
    Intervals seen = new Intervals();
    long[] sum = new long[1];
    trace.forEach(a ->
        seen.add(a.offset(), a.offset() + a.length())
            .forEach(fresh -> sum[0] += fresh.end() - fresh.from()));
    return sum[0];
  }

  private static Map<String, Long> someOf(Map<String, byte[]> tree, int seed) {
    var random = new SplittableRandom(seed);
    Map<String, Long> some = new TreeMap<>();
    tree.forEach((path, content) -> {
      if (random.nextInt(3) == 0) {
        some.put(path, random.nextBoolean() ? WHOLE : random.nextLong(content.length) + 1);
      }
    });
    return some;
  }

  @Test
  void aRebuildWithATenthOfTheFilesChangedAndAllOfThemMovedKeepsTheTrace() throws Exception {
    Map<String, byte[]> before = tree(1);
    Map<String, byte[]> after = new TreeMap<>(before);
    var random = new SplittableRandom(2);
    int number = 0;
    for (String path : before.keySet()) {
      if (number++ % 10 == 0) {
        after.put(path, bytes(random, 1 + random.nextInt(300_000)));
      }
    }
    for (int i = 0; i < 50; i++) { // early in the walk: all others come to lie elsewhere
      after.put("a/new" + i, bytes(random, 100_000));
    }
    Map<String, Long> start = someOf(before, 3);
    try (LayerStack old = disk("old", before);
        LayerStack fresh = disk("fresh", after)) {
      Trace recorded = reads(old, start);
      Trace wanted = reads(fresh, start);
      assertThat(hits(wanted, recorded)).isLessThan(0.5); // it is of no use as it is

      Carried carried = new TraceCarrier(old, fresh).carry(recorded, done -> {});
      assertThat(hits(wanted, carried.trace())).isGreaterThan(0.9);
      assertThat(unique(carried.trace())).isLessThan(unique(wanted) * 11 / 10);
      Share share = carried.share();
      assertThat((double) share.carried() / share.all()).isGreaterThan(0.9);
      assertThat(share.changed()).isPositive().isLessThan(share.same());
      assertThat(share.all()).isLessThanOrEqualTo(unique(recorded));
    }
  }

  @Test
  void theSameImageKeepsAllOfIt() throws Exception {
    Map<String, byte[]> tree = tree(4);
    Map<String, Long> start = someOf(tree, 5);
    try (LayerStack old = disk("same", tree)) {
      Trace recorded = reads(old, start);
      Carried carried = new TraceCarrier(old, old).carry(recorded, done -> {});
      assertThat(hits(recorded, carried.trace())).isEqualTo(1);
      assertThat(carried.share().lost()).isZero();
      assertThat(carried.share().changed()).isZero();
      TraceCarrier again = new TraceCarrier(old, old);
      assertThat(again.carry(recorded, done -> {})).isEqualTo(carried);
      assertThat(again.carry(recorded, done -> {})).isEqualTo(carried);
    }
  }

  @Test
  void aFileThatMovedToAnotherDirectoryIsFoundByItsNameSizeAndContent() throws Exception {
    Map<String, byte[]> before = tree(6);
    Map<String, byte[]> after = new TreeMap<>();
    before.forEach((path, content) -> after.put(path.replace("usr/", "opt/other/"), content));
    byte[] liar = bytes(new SplittableRandom(7), before.get("usr/d1/f1").length);
    after.put("aaa/f1", liar); // of that name and size, and nothing else
    try (LayerStack old = disk("old", before);
        LayerStack fresh = disk("fresh", after)) {
      Trace recorded = reads(old, Map.of("usr/d1/f1", WHOLE, "usr/d2/f2", WHOLE));
      Carried carried = new TraceCarrier(old, fresh).carry(recorded, done -> {});
      Trace wanted = reads(fresh, Map.of("opt/other/d1/f1", WHOLE, "opt/other/d2/f2", WHOLE));
      assertThat(hits(wanted, carried.trace())).isGreaterThan(0.9);
      assertThat(carried.share().changed()).isZero();
    }
  }

  @Test
  void whatIsGoneIsLostAndSaidToBe() throws Exception {
    Map<String, byte[]> before = tree(8);
    Map<String, byte[]> after = new TreeMap<>(before);
    after.remove("usr/d5/f5");
    after.put("usr/d6/f6", new byte[] {1}); // it ends before
    try (LayerStack old = disk("old", before);
        LayerStack fresh = disk("fresh", after)) {
      Trace recorded = reads(old, Map.of("usr/d5/f5", WHOLE, "usr/d6/f6", WHOLE));
      Share share = new TraceCarrier(old, fresh).carry(recorded, done -> {}).share();
      int five = before.get("usr/d5/f5").length;
      int six = before.get("usr/d6/f6").length;
      assertThat(share.lost()).isBetween(five + six - 1L, five + six + 16384L);
      assertThat(share.same()).isZero();
      assertThat(share.changed()).isEqualTo(1);
    }
  }

  @Test
  void aDiskWithoutAFileSystemIsRefusedByName() throws Exception {
    Map<String, byte[]> tree = Map.of("f", new byte[] {1});
    Path layer = directory.resolve("raw.lsmt");
    try (BlockSource raw = BlockSources.ofBytes("raw", ByteBuffer.allocate(1 << 20));
        FileSink out = FileSink.create(layer)) {
      RawLayerWriter.write(raw, Optional.empty(), ImportOptions.NONE, out, done -> {});
      out.finish();
    }
    try (LayerStack old = disk("old", tree);
        LayerStack bare = LayerStack.open(List.of(SealedLayer.open(FileSource.open(layer))))) {
      Trace recorded = reads(old, Map.of("f", WHOLE));
      assertThatThrownBy(() -> new TraceCarrier(old, bare).carry(recorded, done -> {}))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("superblock");
    }
  }
}
