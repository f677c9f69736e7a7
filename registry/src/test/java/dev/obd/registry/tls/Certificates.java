package dev.obd.registry.tls;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Tools;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Makes certificates on the spot: {@code NAME.pem} and {@code NAME.key} in a directory. */
public final class Certificates {
  private final Path directory;

  /** Skips the running test if there is no openssl. */
  public Certificates(Path directory) {
    Tools.requireOnPath("openssl");
    this.directory = directory;
  }

  /** A self-signed authority. */
  public void authority(String name) throws IOException, InterruptedException {
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s -keyout %s.key -out %s.pem"
            .formatted(name, name, name));
  }

  /** A certificate signed by the authority {@code ca}. */
  public void issue(String name, String extension) throws IOException, InterruptedException {
    Files.writeString(directory.resolve(name + ".ext"), extension);
    openssl(
        "req -newkey rsa:2048 -nodes -subj /CN=%s -keyout %s.key -out %s.csr"
            .formatted(name, name, name));
    openssl(
        "x509 -req -days 2 -in %s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile %s.ext -out %s.pem"
            .formatted(name, name, name));
  }

  /** Runs openssl in the directory. */
  public void openssl(String arguments) throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(arguments.split(" ")));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).describedAs(output).isZero();
  }
}
