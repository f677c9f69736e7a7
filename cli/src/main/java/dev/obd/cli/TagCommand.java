package dev.obd.cli;

import dev.obd.backstore.store.ImageStore;
import dev.obd.backstore.store.LoadedImage;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code obd tag}. */
@Command(
    name = "tag",
    mixinStandardHelpOptions = true,
    description = {
      "Give an image of this machine another name, or copy it between the local store and OCI layouts.",
      "",
      "  obd tag registry.example/base:v2 registry.example/base:stable",
      "  obd tag oci:/tmp/images:v2 registry.example/base:v2"
    })
final class TagCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private SessionOptions options;

  @Parameters(
      index = "0",
      paramLabel = "NAME",
      description = "An image of the local store, or oci:DIR[:tag].")
  private String name;

  @Parameters(
      index = "1",
      paramLabel = "NEW",
      description = "Its new name in the local store, or oci:DIR[:tag].")
  private String fresh;

  @Option(names = "--json", description = "Print the result as JSON.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Terminal terminal = Terminal.ofProcess(spec.commandLine().getErr());
    try (Session session = options.open()) {
      ImageStore.Target target = session.images().target(fresh);
      LoadedImage image = session.images().local(name);
      session.images().copy(image, target, terminal.progress("copying"));
      NamedImage.of(target.name(), image).print(spec.commandLine().getOut(), json);
    }
    return 0;
  }
}
