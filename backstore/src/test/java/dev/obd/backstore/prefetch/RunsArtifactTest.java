package dev.obd.backstore.prefetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.Descriptor;
import dev.obd.registry.Digest;
import dev.obd.registry.ImageConfig;
import dev.obd.registry.ImageReference;
import dev.obd.registry.Manifest;
import dev.obd.registry.MediaTypes;
import dev.obd.registry.Platform;
import dev.obd.registry.Progress;
import dev.obd.registry.Referrers;
import dev.obd.registry.RegistryException;
import dev.obd.registry.Repository;
import dev.obd.registry.http.RegistryClient;
import dev.obd.registry.http.RegistryOptions;
import dev.obd.testdata.Fault;
import dev.obd.testdata.FaultyRegistry;
import dev.obd.testdata.ProcessRegistry;
import dev.obd.trace.Access;
import dev.obd.trace.Trace;
import dev.obd.trace.runs.Run;
import dev.obd.trace.runs.Runs;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunsArtifactTest {
  private static final List<String> LAYERS = List.of("sha256:" + "4".repeat(64));

  private static Runs run(int second) {
    Trace trace = Trace.of(List.of(new Access(0, second * 4096L, 4096)));
    return Runs.of(List.of(Run.of(Instant.ofEpochSecond(second), "app", trace, LAYERS)));
  }

  /** Something to refer to. */
  private static Descriptor image(Repository repository) throws IOException {
    byte[] config = ImageConfig.create(Platform.current()).toBytes();
    var described = new Descriptor(MediaTypes.OCI_CONFIG, Digest.of(config), config.length);
    repository.push(described, () -> new ByteArrayInputStream(config), Progress.NONE);
    byte[] manifest = new Manifest(MediaTypes.OCI_MANIFEST, described, List.of()).toBytes();
    return repository.pushManifest(Optional.of("v1"), MediaTypes.OCI_MANIFEST, manifest);
  }

  private static Repository repository(RegistryClient client, String host) {
    return client.repository(ImageReference.parse(host + "/app:v1"));
  }

  /** From two machines, one after the other. */
  private static void requireThatAllRunsAreFound(Repository repository) throws IOException {
    Descriptor image = image(repository);
    assertThat(RunsArtifact.pull(repository, image.digest()).isEmpty()).isTrue();
    assertThat(RunsArtifact.push(repository, image, run(1))).isEqualTo(run(1));
    assertThat(RunsArtifact.push(repository, image, run(1))).isEqualTo(run(1));
    assertThat(new Referrers(repository).of(image.digest(), RunsArtifact.TYPE)).hasSize(1);
    Runs both = run(1).merge(run(2));
    assertThat(RunsArtifact.push(repository, image, run(2))).isEqualTo(both);
    assertThat(RunsArtifact.pull(repository, image.digest())).isEqualTo(both);
    assertThat(new Referrers(repository).of(image.digest(), "text/other")).isEmpty();
    assertThat(repository.resolve("v1").orElseThrow().digest()).isEqualTo(image.digest());
    Digest other = Digest.of(new byte[] {1});
    assertThat(RunsArtifact.pull(repository, other).isEmpty()).isTrue();
  }

  @Test
  void theyAreFoundInARegistryThatListsReferrersAndNoTagIsMade() throws IOException {
    try (FaultyRegistry registry = FaultyRegistry.with().listsReferrers().start();
        RegistryClient client = new RegistryClient(RegistryOptions.defaults())) {
      Repository repository = repository(client, registry.host());
      requireThatAllRunsAreFound(repository);
      assertThat(repository.tags()).containsExactly("v1");
    }
  }

  @Test
  void theyAreFoundByTheirTagInARegistryThatDoesNot() throws IOException {
    try (FaultyRegistry registry = FaultyRegistry.start();
        RegistryClient client = new RegistryClient(RegistryOptions.defaults())) {
      Repository repository = repository(client, registry.host());
      requireThatAllRunsAreFound(repository);
      String image = repository.resolve("v1").orElseThrow().digest().hex();
      assertThat(repository.tags()).containsExactly("sha256-" + image, "v1");
    }
  }

  @Test
  void theyAreFoundInARealRegistry() throws Exception {
    ProcessRegistry.assumeAvailable();
    try (ProcessRegistry registry = ProcessRegistry.with().start();
        RegistryClient client = new RegistryClient(RegistryOptions.defaults())) {
      requireThatAllRunsAreFound(repository(client, registry.host()));
    }
  }

  @Test
  void whatIsDamagedOrNoFileOfRunsIsLeftOut() throws IOException {
    try (FaultyRegistry registry = FaultyRegistry.start();
        RegistryClient client = new RegistryClient(RegistryOptions.defaults())) {
      Repository repository = repository(client, registry.host());
      Descriptor image = image(repository);
      for (byte[] hostile : List.of(new byte[0], new byte[100], "obdruns".getBytes("US-ASCII"))) {
        var layer = new Descriptor(RunsArtifact.TYPE, Digest.of(hostile), hostile.length);
        repository.push(layer, () -> new ByteArrayInputStream(hostile), Progress.NONE);
        for (List<Descriptor> layers : List.of(List.of(layer), List.<Descriptor>of())) {
          new Referrers(repository)
              .add(
                  new Manifest(
                      MediaTypes.OCI_MANIFEST,
                      Optional.of(RunsArtifact.TYPE),
                      layer,
                      layers,
                      Optional.of(image),
                      Map.of(),
                      Map.of()));
        }
      }
      RunsArtifact.push(repository, image, run(3));
      assertThat(RunsArtifact.pull(repository, image.digest())).isEqualTo(run(3));
    }
  }

  @Test
  void aRegistryThatForbidsToLookIsToldAndNotTakenForOneWithoutRuns() throws IOException {
    try (FaultyRegistry registry = FaultyRegistry.start();
        RegistryClient client = new RegistryClient(RegistryOptions.defaults())) {
      Repository repository = repository(client, registry.host());
      Descriptor image = image(repository);
      registry.fault(call -> call.path().contains("/referrers/"), new Fault.Status(403));
      assertThatThrownBy(() -> RunsArtifact.pull(repository, image.digest()))
          .isInstanceOf(RegistryException.class)
          .hasMessageContaining("403");
    }
  }
}
