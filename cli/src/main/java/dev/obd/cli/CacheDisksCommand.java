package dev.obd.cli;

import dev.obd.backstore.config.Home;
import dev.obd.backstore.disk.BaseDisks;
import dev.obd.io.Ticker;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code obd cache disks}. */
@Command(
    name = "disks",
    mixinStandardHelpOptions = true,
    description = {
      "List the raw disks that 'obd init' copies, what was used last first, or remove some of them.",
      "Copies stay as they are. What is being made or copied is not removed.",
      "",
      "Example:  obd cache disks --json",
      "          obd cache disks --rm registry.example/vm:v1",
      "          obd cache disks --rm-older-than 30d"
    })
final class CacheDisksCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--rm",
      paramLabel = "IMAGE",
      description = "Remove the disk of this image: its name or its digest. May be repeated.")
  private List<String> remove = new ArrayList<>();

  @Option(
      names = "--rm-older-than",
      paramLabel = "TIME",
      converter = Durations.WithUnit.class,
      description = "Remove what was not used for this long: 12h, 30d.")
  private @Nullable Duration olderThan;

  @Option(names = "--json", description = "Print it as JSON.")
  private boolean json;

  /** What {@code --json} prints. */
  private record Report(List<Disk> disks, long freedBytes) {}

  private record Disk(
      String image,
      String imageDigest,
      long sizeBytes,
      long dataBytes,
      String made,
      String lastUse,
      boolean inUse,
      boolean removed) {}

  @Override
  public Integer call() throws IOException {
    var disks = new BaseDisks(Home.ofProcess().disks(), InstantSource.system(), Ticker.SYSTEM);
    List<Disk> all = new ArrayList<>();
    long freed = 0;
    boolean refused = false;
    List<String> unknown = new ArrayList<>(remove);
    for (BaseDisks.Entry entry : disks.list()) {
      boolean named = remove.contains(entry.name()) || remove.contains(entry.image().value());
      unknown.removeIf(n -> n.equals(entry.name()) || n.equals(entry.image().value()));
      boolean inUse = disks.inUse(entry.image());
      boolean removed = (named || isOld(entry)) && disks.remove(entry.image());
      refused |= named && !removed;
      freed += removed ? entry.dataBytes() : 0;
      all.add(
          new Disk(
              entry.name(),
              entry.image().value(),
              entry.sizeBytes(),
              entry.dataBytes(),
              text(entry.made()),
              text(entry.lastUse()),
              inUse,
              removed));
    }
    print(new Report(all, freed));
    for (String name : unknown) {
      spec.commandLine().getErr().println("obd: " + name + ": there is no disk of it");
    }
    return refused || !unknown.isEmpty() ? 1 : 0;
  }

  private boolean isOld(BaseDisks.Entry entry) {
    return olderThan != null
        && entry.lastUse().isBefore(InstantSource.system().instant().minus(olderThan));
  }

  private static String text(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private void print(Report report) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, report);
      return;
    }
    String form = "%-19s  %9s  %9s  %-20s  %-8s  %s%n";
    out.printf(form, "DIGEST", "SIZE", "ON DISK", "LAST USE", "STATE", "IMAGE");
    for (Disk disk : report.disks()) {
      out.printf(
          form,
          disk.imageDigest().substring(0, 19),
          Sizes.show(disk.sizeBytes()),
          Sizes.show(disk.dataBytes()),
          disk.lastUse(),
          disk.removed() ? "removed" : disk.inUse() ? "in use" : "-",
          disk.image());
    }
    if (!remove.isEmpty() || olderThan != null) {
      out.println("freed " + Sizes.show(report.freedBytes()));
    }
  }
}
