package dev.obd.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.obd.registry.RegistryException.Kind;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Manifests, indexes and configs from friends and strangers. */
class ModelsTest {
  private static final String D1 = "sha256:" + "1".repeat(64);
  private static final String D2 = "sha256:" + "2".repeat(64);
  private static final String MANIFEST =
      ("{'schemaVersion':2,'mediaType':'"
              + MediaTypes.OCI_MANIFEST
              + "',"
              + "'config':{'mediaType':'"
              + MediaTypes.OCI_CONFIG
              + "','digest':'"
              + D1
              + "','size':10},"
              + "'layers':[{'mediaType':'"
              + MediaTypes.OCI_LAYER
              + "','digest':'"
              + D2
              + "','size':9007199254740993,"
              + "'annotations':{'b':'<&>','a':'é'},'urls':['http://x/'],'data':'e30='}],"
              + "'annotations':{'z':'1','y':'2'},'x-new':{'deep':[1.50,null,true]}}")
          .replace('\'', '"');

  private static Document document(String type, String json) throws RegistryException {
    return Document.of(type, json.getBytes(StandardCharsets.UTF_8));
  }

  private static Manifest manifest(String json) throws RegistryException {
    return Manifest.parse(document(MediaTypes.OCI_MANIFEST, json));
  }

  @Test
  void whatAManifestSaysIsWrittenBackAsItWas() throws RegistryException {
    Manifest manifest = manifest(MANIFEST);
    assertThat(new String(manifest.toBytes(), StandardCharsets.UTF_8)).isEqualTo(MANIFEST);
    assertThat(manifest.layers().get(0).size()).isEqualTo(9007199254740993L);
    assertThat(manifest.layers().get(0).otherFields()).containsOnlyKeys("urls", "data");
    assertThat(manifest.toDocument().descriptor().digest())
        .isEqualTo(Digest.of(manifest.toBytes()));
  }

  @Test
  void aLayerPutOnTopLeavesTheRestAlone() throws RegistryException {
    Manifest manifest = manifest(MANIFEST);
    var top = new Descriptor(MediaTypes.OCI_LAYER, new Digest(D1), 3, Map.of("k", "v"));
    var layers = new java.util.ArrayList<>(manifest.layers());
    layers.add(top);
    Manifest changed = Manifest.parse(manifest.withLayers(layers).toDocument());
    assertThat(changed.layers()).containsExactly(manifest.layers().get(0), top);
    assertThat(changed.withLayers(manifest.layers())).isEqualTo(manifest);
  }

  @Test
  void dockersManifestsAreManifests() throws RegistryException {
    String docker = MANIFEST.replace(MediaTypes.OCI_MANIFEST, MediaTypes.DOCKER_MANIFEST);
    Manifest manifest = Manifest.parse(document(MediaTypes.DOCKER_MANIFEST, docker));
    assertThat(manifest.mediaType()).isEqualTo(MediaTypes.DOCKER_MANIFEST);
    assertThat(new String(manifest.toBytes(), StandardCharsets.UTF_8)).isEqualTo(docker);
  }

  @Test
  void anUnknownTypeIsTakenFromTheDocument() throws RegistryException {
    assertThat(document("application/json", MANIFEST).descriptor().mediaType())
        .isEqualTo(MediaTypes.OCI_MANIFEST);
    assertThat(document("", "{\"manifests\":[]}").isIndex()).isTrue();
  }

  @Test
  void subjectAndArtifactTypeAreKept() throws RegistryException {
    var subject = new Descriptor(MediaTypes.OCI_MANIFEST, new Digest(D2), 77);
    Manifest artifact =
        manifest(MANIFEST).withSubject(MediaTypes.OVERLAYBD_NATIVE_ARTIFACT, subject);
    Manifest read = Manifest.parse(artifact.toDocument());
    assertThat(read.subject()).contains(subject);
    assertThat(read.artifactType()).contains(MediaTypes.OVERLAYBD_NATIVE_ARTIFACT);
  }

  @Test
  void olderSchemasAreRefusedByName() {
    assertThatThrownBy(() -> manifest("{\"schemaVersion\":1}"))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
        .hasMessageContaining("schemaVersion: expected 2, got 1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'size':10 | 'size':-1 | config.size: expected a whole number, got -1",
        "'size':10 | 'size':1e3 | config.size",
        "'size':10 | 'size':9223372036854775808 | config.size",
        "'size':10 | 'size':'10' | config.size",
        "'size':10 | 'other':10 | config.size: missing",
        "'config':{ | 'config':3,'x':{ | config: expected an object",
        "'config':{ | 'x':{ | config: missing",
        "'layers':[{ | 'layers':[3,{ | layers[0]: expected an object",
        "'layers':[ | 'layers':{},'x':[ | layers: expected an array",
        "'z':'1' | 'z':1 | annotations.z: expected a string",
        "sha256:2 | sha256:X | layers[0].digest",
        "sha256:2 | sha512:2 | layers[0].digest",
        "'x-new': | 'manifests':[],'x-new': | also an index",
        "image.manifest.v1 | image.manifest.v2 | mediaType",
      })
  void aBadFieldIsNamed(String from, String to, String message) {
    String json = MANIFEST.replace(from.replace('\'', '"'), to.replace('\'', '"'));
    assertThat(json).isNotEqualTo(MANIFEST);
    assertThatThrownBy(() -> manifest(json))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_ANSWER))
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[]", "3", "{", "{}{}", "{'a':1}", "{\"a\":1,}", "// x\n{}", "\"\"", "null"})
  void whatIsNotOneStrictObjectIsRefused(String json) {
    assertThatThrownBy(() -> manifest(json)).isInstanceOf(RegistryException.class);
  }

  @Test
  void deepNestingIsRefused() {
    String deep = "{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertThatThrownBy(() -> manifest(deep)).isInstanceOf(RegistryException.class);
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    byte[] bytes = MANIFEST.getBytes(StandardCharsets.ISO_8859_1); // é becomes one byte
    assertThatThrownBy(() -> Manifest.parse(Document.of(MediaTypes.OCI_MANIFEST, bytes)))
        .hasMessageContaining("UTF-8");
  }

  static LongStream seeds() {
    return LongStream.of(1, 2, System.nanoTime());
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void aDamagedManifestIsAManifestOrABadAnswer(long seed) {
    var random = new SplittableRandom(seed);
    byte[] good = MANIFEST.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 5_000; i++) {
      byte[] bytes = good.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(32, 127);
      }
      try {
        Manifest manifest = Manifest.parse(Document.of(MediaTypes.OCI_MANIFEST, bytes));
        assertThat(Manifest.parse(manifest.toDocument())).isEqualTo(manifest);
      } catch (RegistryException e) {
        assertThat(e.kind()).isIn(Kind.BAD_ANSWER, Kind.REFUSED);
      }
    }
  }

  private static String entry(String digit, String platform) {
    return "{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":1%s}"
        .formatted(MediaTypes.OCI_MANIFEST, digit.repeat(64), platform);
  }

  private static String on(String os, String arch, String variant) {
    return ",\"platform\":{\"architecture\":\"%s\",\"os\":\"%s\"%s}"
        .formatted(arch, os, variant.isEmpty() ? "" : ",\"variant\":\"" + variant + "\"");
  }

  private static ImageIndex index(String... entries) throws RegistryException {
    return ImageIndex.parse(
        document(
            MediaTypes.OCI_INDEX,
            "{\"schemaVersion\":2,\"manifests\":[" + String.join(",", entries) + "]}"));
  }

  @ParameterizedTest
  @CsvSource({
    "linux/amd64, 1",
    "linux/arm64, 2",
    "linux/arm64/v8, 2",
    "linux/arm64/v9, 2",
    "linux/arm, 4",
    "linux/arm/v6, 3",
    "linux/arm/v8, 4",
    "linux/amd64/v3, 5",
    "linux/amd64/v2, 1",
    "windows/amd64, 6",
  })
  void theBestImageForAPlatformIsPicked(String platform, String digit) throws RegistryException {
    ImageIndex index =
        index(
            entry("1", on("linux", "amd64", "")),
            entry("2", on("linux", "arm64", "v8")),
            entry("3", on("linux", "arm", "v6")),
            entry("4", on("linux", "arm", "v7")),
            entry("5", on("linux", "amd64", "v3")),
            entry("6", on("windows", "amd64", "")),
            entry(
                "7",
                on("linux", "amd64", "")
                    + ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}"));
    assertThat(index.pick(Platform.parse(platform)).digest().hex()).startsWith(digit);
    assertThat(ImageIndex.parse(Document.of(MediaTypes.OCI_INDEX, index.toBytes())))
        .isEqualTo(index);
  }

  @Test
  void aPlatformThatIsNotThereIsToldWithThoseThatAre() throws RegistryException {
    ImageIndex index = index(entry("1", on("linux", "amd64", "")));
    assertThatThrownBy(() -> index.pick(Platform.parse("linux/s390x")))
        .isInstanceOfSatisfying(
            RegistryException.class, e -> assertThat(e.kind()).isEqualTo(Kind.NOT_FOUND))
        .hasMessageContaining("linux/s390x")
        .hasMessageContaining("linux/amd64");
    assertThat(index(entry("1", "")).pick(Platform.current()).digest().hex()).startsWith("1");
  }

  @Test
  void aConfigKeepsWhatItDoesNotKnow() throws RegistryException {
    String json =
        "{\"x\":{\"y\":[1,2.0]},\"architecture\":\"arm64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
            + D1
            + "\"],\"z\":1},\"history\":[{\"created_by\":\"a\",\"q\":null}]}";
    ImageConfig config = ImageConfig.parse("c", json.getBytes(StandardCharsets.UTF_8));
    assertThat(config.platform()).hasToString("linux/arm64");
    assertThat(config.diffIds()).containsExactly(new Digest(D1));
    ImageConfig changed = config.withDiffIds(List.of(new Digest(D1), new Digest(D2)));
    assertThat(new String(changed.toBytes(), StandardCharsets.UTF_8))
        .isEqualTo(json.replace("\"" + D1 + "\"", "\"" + D1 + "\",\"" + D2 + "\""));
    assertThat(new String(config.toBytes(), StandardCharsets.UTF_8)).isEqualTo(json);
    assertThat(config.withHistory("obd", "trace").historySize()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"rootfs\":3}",
        "{\"rootfs\":{\"diff_ids\":[\"x\"]}}",
        "{\"rootfs\":{\"diff_ids\":{}}}",
        "{\"history\":[3]}",
        "{\"os\":{}}"
      })
  void aBadConfigIsRefused(String json) {
    assertThatThrownBy(() -> ImageConfig.parse("c", json.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(RegistryException.class)
        .hasMessageStartingWith("c");
  }

  @Test
  void overlaybdsAnnotationsAreRecognised() {
    var plain = new Descriptor(MediaTypes.OCI_LAYER, new Digest(D1), 3);
    assertThat(OverlaybdAnnotations.isOverlaybd(plain)).isFalse();
    Descriptor trace =
        plain.withAnnotations(
            Map.of(
                "containerd.io/snapshot/overlaybd/blob-digest",
                D1,
                "containerd.io/snapshot/overlaybd/blob-size",
                "3",
                "containerd.io/snapshot/overlaybd/acceleration-layer",
                "yes",
                "containerd.io/snapshot/overlaybd/fastoci/target-digest",
                D2));
    assertThat(OverlaybdAnnotations.isOverlaybd(trace)).isTrue();
    assertThat(OverlaybdAnnotations.isAcceleration(trace)).isTrue();
    assertThat(OverlaybdAnnotations.targetDigest(trace)).contains(D2);
  }

  @Test
  void untrustedTextLosesWhatATerminalWouldObey() {
    assertThat(Untrusted.printable("a\u001b[31mb\u202ec\n", 100)).isEqualTo("a?[31mb?c?");
    assertThat(Untrusted.printable("abcdef", 3)).isEqualTo("abc…");
  }
}
