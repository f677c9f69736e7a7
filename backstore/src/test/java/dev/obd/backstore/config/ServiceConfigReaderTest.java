package dev.obd.backstore.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.obd.backstore.config.ServiceConfig.Credentials;
import dev.obd.backstore.config.ServiceConfig.Level;
import dev.obd.backstore.device.OnStall;
import dev.obd.backstore.source.PrefetchLimits;
import dev.obd.testdata.Golden;
import dev.obd.testdata.Seeded;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ServiceConfigReaderTest {
  /** Every key there is, with a value that is not the default. */
  private static final String ALL =
      """
      {"registryFsVersion":"v2","ioEngine":0,"logConfig":{"logLevel":0,"logPath":"/l/obd.log",
       "logSizeMB":20,"logRotateNum":5},"logLevel":3,"logPath":"/old.log","enableAudit":false,
       "auditPath":"/l/audit.log","cacheConfig":{"cacheType":"file","cacheDir":"/c","cacheSizeGB":9,
       "refillSize":65536,"blockSize":4096},"cacheType":"file","registryCacheDir":"/oldc",
       "registryCacheSizeGB":3,"gzipCacheConfig":{"enable":true,"cacheDir":"/g","cacheSizeGB":1,
       "refillSize":1048576},"credentialConfig":{"mode":"https","path":"https://c/auth","timeout":7,
       "client_cert_path":"/cc","client_key_path":"/ck","server_ca_path":"/ca"},
       "credentialFilePath":"/cred.json","download":{"enable":true,"delay":1,"delayExtra":2,
       "maxMBps":3,"tryCnt":4,"blockSize":8192},"p2pConfig":{"enable":true,
       "address":"http://127.0.0.1:9731/x"},"exporterConfig":{"enable":true,"uriPrefix":"/m",
       "port":1234,"updateInterval":5},"prefetchConfig":{"concurrency":8},
       "certConfig":{"certFile":"/cf","keyFile":"/kf"},"userAgent":"me/1","enableThread":false,
       "serviceConfig":{"enable":true,"address":"http://127.0.0.1:1"},
       "obd":{"home":"/h","controlSocket":"/s","controlGroup":"disk","stallLimitSeconds":5,
       "onStall":"readonly-cache","requestsPerSecond":50,"expandPrefetch":4,"readahead":true,
       "prefetch":{"enable":false,"threadsCount":8,"mergingSize":131072,"bandwidthRate":10485760},
       "mirrors":{"docker.io":["https://m1/p","http://m2:5000"],"*":[]}}}
      """;

  @TempDir private Path dir;

  private static ServiceConfig parse(String text) throws ConfigException {
    return ServiceConfigReader.parse("the-file", text);
  }

  @Test
  void aPrefetchCeilingThatCannotBeHeldIsRefused() {
    assertThatThrownBy(() -> parse("{\"obd\":{\"prefetch\":{\"bandwidthRate\":65535}}}"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("bandwidthRate")
        .hasMessageContaining("at least 65536");
    assertThatThrownBy(() -> parse("{\"obd\":{\"prefetch\":{\"mergingSize\":100}}}"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("mergingSize");
  }

  @Test
  void everyKeyIsUnderstood() throws Exception {
    ServiceConfig c = parse(ALL);
    assertThat(c.unknownKeys()).isEmpty();
    assertThat(c.remarks()).isEmpty();
    assertThat(c.log())
        .isEqualTo(
            new ServiceConfig.Log(Level.DEBUG, Optional.of(Path.of("/l/obd.log")), 20 << 20, 5));
    assertThat(c.audit()).isEqualTo(new ServiceConfig.Audit(false, Path.of("/l/audit.log")));
    assertThat(c.cache()).isEqualTo(new ServiceConfig.Cache(Path.of("/c"), 9L << 30, 65536));
    assertThat(c.credentials())
        .isEqualTo(
            new Credentials(
                Credentials.Mode.HTTPS,
                "https://c/auth",
                Duration.ofSeconds(7),
                Optional.of(Path.of("/cc")),
                Optional.of(Path.of("/ck")),
                Optional.of(Path.of("/ca"))));
    assertThat(c.download())
        .isEqualTo(
            new DownloadConfig(
                true, Duration.ofSeconds(1), Duration.ofSeconds(2), 3 << 20, 4, 8192));
    assertThat(c.p2p())
        .isEqualTo(new ServiceConfig.P2p(true, URI.create("http://127.0.0.1:9731/x")));
    assertThat(c.exporter()).isEqualTo(new ServiceConfig.Exporter(true, "/m", 1234));
    assertThat(c.prefetchConcurrency()).isEqualTo(8);
    assertThat(c.certificate().key()).contains(Path.of("/kf"));
    assertThat(c.userAgent()).contains("me/1");
    assertThat(c.snapshots())
        .isEqualTo(new ServiceConfig.Snapshots(true, URI.create("http://127.0.0.1:1")));
    assertThat(c.own())
        .isEqualTo(
            new ServiceConfig.Own(
                Optional.of(Path.of("/h")),
                Optional.of(Path.of("/s")),
                Optional.of("disk"),
                Duration.ofSeconds(5),
                OnStall.READONLY_CACHE,
                Map.of(
                    "docker.io",
                    List.of(URI.create("https://m1/p"), URI.create("http://m2:5000")),
                    "*",
                    List.of()),
                50,
                4,
                true,
                new PrefetchLimits(false, 8, 131_072, 10_485_760)));
  }

  @Test
  void withoutAFileAllIsAsTheOriginalsDefaults() throws Exception {
    ServiceConfig c = ServiceConfigReader.read(dir.resolve("none.json"));
    assertThat(c.file()).isEmpty();
    assertThat(c).isEqualTo(ServiceConfig.defaults());
    assertThat(c.log())
        .isEqualTo(
            new ServiceConfig.Log(
                Level.INFO, Optional.of(Path.of("/var/log/overlaybd.log")), 10 << 20, 3));
    assertThat(c.cache())
        .isEqualTo(
            new ServiceConfig.Cache(Path.of("/opt/overlaybd/registry_cache"), 4L << 30, 256 << 10));
    assertThat(c.credentials().path()).isEqualTo("/opt/overlaybd/cred.json");
    assertThat(c.download()).isEqualTo(DownloadConfig.DEFAULTS);
    assertThat(c.exporter().port()).isEqualTo(9863);
    assertThat(c.own().expandPrefetch()).isEqualTo(1);
    assertThat(c.own().readahead()).isFalse();
    assertThat(c.own().prefetch()).isEqualTo(PrefetchLimits.NONE);
    assertThat(parse("{'obd':{'expandPrefetch':4}}".replace('\'', '"')).own().expandPrefetch())
        .isEqualTo(4);
    assertThat(c.own().stallLimit()).isEqualTo(Duration.ofMinutes(1));
  }

  @Test
  void theOlderKeysCountWhereTheNewerAreNotGiven() throws Exception {
    ServiceConfig c =
        parse(
            """
            {"logConfig":{"logLevel":2},"logLevel":3,"logPath":"","registryCacheDir":"/old",
             "registryCacheSizeGB":7,"cacheConfig":{"cacheDir":"/new","refillSize":8192},
             "credentialConfig":{"path":"/x"},"credentialFilePath":"/old.json"}
            """);
    assertThat(c.log().level()).isEqualTo(Level.ERROR);
    assertThat(c.log().path()).isEmpty();
    assertThat(c.cache()).isEqualTo(new ServiceConfig.Cache(Path.of("/old"), 7L << 30, 8192));
    assertThat(c.credentials().path()).isEqualTo("/old.json");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"ioEngine\":1}|ioEngine: expected 0",
        "{\"ioEngine\":\"0\"}|ioEngine: expected a whole number",
        "{\"enableThread\":true}|enableThread: expected false",
        "{\"cacheType\":\"ocf\"}|cacheType: expected file: obd has no ocf cache",
        "{\"cacheConfig\":{\"cacheType\":\"download\"}}|cacheConfig.cacheType: expected file: to keep whole layers",
        "{\"cacheConfig\":{\"cacheType\":\"x\"}}|cacheConfig.cacheType: expected file, got 'x'",
        "{\"cacheConfig\":{\"refillSize\":5000}}|cacheConfig.refillSize: expected a power of two",
        "{\"cacheConfig\":{\"refillSize\":8388608}}|cacheConfig.refillSize: expected a whole number from 4096 to 4194304",
        "{\"cacheConfig\":{\"cacheSizeGB\":1e12}}|cacheConfig.cacheSizeGB: expected a whole number",
        "{\"cacheConfig\":[]}|cacheConfig: expected an object, got an array",
        "{\"credentialConfig\":{\"mode\":\"ftp\"}}|credentialConfig.mode: expected file, http, https or uds, got 'ftp'",
        "{\"download\":{\"blockSize\":1}}|download.blockSize: expected",
        "{\"download\":{\"tryCnt\":0}}|download.tryCnt: expected",
        "{\"p2pConfig\":{\"address\":\"ftp://h/x\"}}|p2pConfig.address: expected http://HOST",
        "{\"exporterConfig\":{\"port\":0}}|exporterConfig.port: expected",
        "{\"exporterConfig\":{\"uriPrefix\":\"m\"}}|exporterConfig.uriPrefix: expected",
        "{\"prefetchConfig\":{\"concurrency\":0}}|prefetchConfig.concurrency: expected",
        "{\"certConfig\":{\"certFile\":\"/x\"}}|certConfig.keyFile: expected",
        "{\"obd\":{\"onStall\":\"panic\"}}|obd.onStall: expected eio, wait or readonly-cache",
        "{\"obd\":{\"mirrors\":{\"h\":\"x\"}}}|obd.mirrors.h: expected an array",
        "{\"obd\":{\"mirrors\":{\"h\":[\"x\"]}}}|obd.mirrors.h: expected http://HOST",
        "{\"logPath\":7}|logPath: expected a string, got 7",
        "[]|top level: expected a JSON object",
        "{}x|not valid JSON",
      })
  void refusesWhatItCannotDoByName(String text, String message) {
    assertThatThrownBy(() -> parse(text))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("the-file: ")
        .hasMessageContaining(message);
  }

  @Test
  void aPeerToPeerAddressMayLackItsScheme() throws Exception {
    // as in the file that overlaybd brings along, where it is off
    ServiceConfig c =
        parse("{\"p2pConfig\":{\"enable\":false,\"address\":\"localhost:19145/dadip2p\"}}");
    assertThat(c.p2p().address()).hasToString("http://localhost:19145/dadip2p");
    assertThat(c.p2p().enabled()).isFalse();
  }

  @Test
  void unknownKeysAreToldWithTheirPlace() throws Exception {
    ServiceConfig c = parse("{\"x\":1,\"download\":{\"y\":{}},\"obd\":{\"z\":[]}}");
    assertThat(c.unknownKeys()).containsExactlyInAnyOrder("x", "download.y", "obd.z");
    assertThat(parse("{\"registryFsVersion\":\"v1\"}").remarks()).hasSize(1);
  }

  @Test
  void filesWithoutEndAreNotRead() throws Exception {
    Path file = Files.write(dir.resolve("big.json"), new byte[ConfigObject.MAX_BYTES + 1]);
    assertThatThrownBy(() -> ServiceConfigReader.read(file)).hasMessageContaining("size");
    assertThatThrownBy(() -> ServiceConfigReader.read(Path.of("/dev/zero")))
        .hasMessageContaining("size");
    Path binary = Files.write(dir.resolve("b.json"), new byte[] {'{', (byte) 0xff, '}'});
    assertThatThrownBy(() -> ServiceConfigReader.read(binary)).hasMessageContaining("UTF-8");
  }

  @Test
  void everyKeyIsInTheDocuments() throws Exception {
    String page = Files.readString(Golden.repository().resolve("docs/configuration.md"));
    String table = page.substring(0, page.indexOf("## config.v1.json"));
    JsonObject all = JsonParser.parseString(ALL).getAsJsonObject();
    for (String key : all.keySet()) {
      if (!all.get(key).isJsonObject()) {
        assertThat(table).contains("`" + key + "`");
        continue;
      }
      for (String below : all.getAsJsonObject(key).keySet()) {
        assertThat(table.lines())
            .as("%s.%s", key, below)
            .anyMatch(row ->
                row.contains("`" + key + ".")
                    && (row.contains("`." + below + "`")
                        || row.contains("`" + key + "." + below + "`")));
      }
    }
  }

  static LongStream seeds() {
    return Seeded.seeds();
  }

  /** Whatever is done to the text, it is read or refused with its name. */
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void damagedTextIsReadOrRefused(long seed) {
    var random = new SplittableRandom(seed);
    List<String> pieces =
        List.of("{", "}", "[", "]", "\"", ",", ":", "null", "-1", "1e999999999", "true", "\\u0000");
    for (int i = 0; i < 2000; i++) {
      var text = new StringBuilder(ALL);
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        int at = random.nextInt(text.length());
        int end = Math.min(text.length(), at + random.nextInt(12));
        text.replace(at, end, pieces.get(random.nextInt(pieces.size())));
      }
      try {
        assertThat(parse(text.toString()).prefetchConcurrency()).isBetween(1, 256);
      } catch (ConfigException e) {
        assertThat(e.getMessage())
            .as(text.toString())
            .startsWith("the-file: ")
            .hasSizeLessThan(500);
      }
    }
  }
}
