package dev.obd.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd cache import}. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = {
      "Put blobs that are files of this machine into the cache, where devices find them at once.",
      "A file named by a digest, as in an OCI layout or in overlaybd's cache, has to have it.",
      "",
      "Example:  obd cache import /mnt/usb/blobs/sha256/*",
      "          obd cache import layer.obd --digest sha256:3fa8c1d2b4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f"
    })
final class CacheImportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CacheDoor cache;

  @Parameters(paramLabel = "BLOB", arity = "1..*", description = "Files of whole blobs.")
  private List<Path> files;

  @Option(
      names = "--digest",
      paramLabel = "DIGEST",
      description = "What the digest of the one file has to be.")
  private @Nullable String digest;

  @Option(names = "--json", description = "Print what was done as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (digest != null && files.size() > 1) {
      throw new ParameterException(spec.commandLine(), "--digest is for one file");
    }
    var done = new JsonArray();
    PrintWriter out = spec.commandLine().getOut();
    boolean whole = true;
    for (Path file : files) {
      var wanted = new JsonObject();
      wanted.addProperty("path", file.toAbsolutePath().normalize().toString());
      if (digest != null) {
        wanted.addProperty("digest", digest);
      }
      JsonObject imported = cache.bring(wanted);
      done.add(imported);
      long bytes = imported.get("blobBytes").getAsLong();
      long kept = imported.get("keptBytes").getAsLong();
      whole &= kept == bytes;
      if (!json) {
        String part = kept == bytes ? "" : ", of which there was room for " + Sizes.show(kept);
        out.println(imported.get("digest").getAsString() + "  " + Sizes.show(bytes) + part);
      }
    }
    if (json) {
      var document = new JsonObject();
      document.add("blobs", done);
      Json.print(out, document);
    }
    return whole ? 0 : 1;
  }
}
