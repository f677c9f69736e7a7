package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd cache unpin}. */
@Command(
    name = "unpin",
    mixinStandardHelpOptions = true,
    description = {
      "Let pinned blobs be evicted and pruned again.",
      "",
      "Example:  obd cache unpin 3fa8c1d2"
    })
final class CacheUnpinCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Parameters(
      paramLabel = "DIGEST",
      arity = "1..*",
      description = "Blobs, by digest or its first digits.")
  private List<String> blobs;

  @Option(names = "--json", description = "Print what was done as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    var done = new JsonArray();
    for (String blob : blobs) {
      done.add(cache.pin(cache.find(blob), false));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      var document = new JsonObject();
      document.add("blobs", done);
      Json.print(out, document);
    } else {
      done.forEach(
          one -> out.println("unpinned  " + one.getAsJsonObject().get("digest").getAsString()));
    }
    return 0;
  }
}
