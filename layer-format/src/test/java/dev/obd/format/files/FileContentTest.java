package dev.obd.format.files;

import dev.obd.io.BlockSource;
import dev.obd.io.BlockSourceContract;
import dev.obd.io.BlockSources;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** A file in pieces that are scattered over a disk; pieces of zeros are left out as holes. */
class FileContentTest extends BlockSourceContract {
  @Override
  protected BlockSource open(byte[] content) {
    var random = new SplittableRandom(content.length);
    var disk = ByteBuffer.allocate(content.length * 2);
    random.nextBytes(disk.array());
    List<Extent> extents = new ArrayList<>();
    int place = disk.capacity();
    for (int at = 0; at < content.length; ) {
      boolean zero = content[at] == 0;
      int end = at;
      int longest = Math.min(content.length, at + random.nextInt(1, 9_000));
      while (end < longest && (!zero || content[end] == 0)) {
        end++;
      }
      if (!zero) {
        place -= end - at;
        disk.put(place, content, at, end - at);
        extents.add(new Extent(at, place, end - at));
      }
      at = end;
    }
    BlockSource source = BlockSources.ofBytes("disk", disk);
    return new FileContent(source, "file", content.length, extents);
  }
}
