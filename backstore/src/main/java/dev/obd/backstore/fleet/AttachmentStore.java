package dev.obd.backstore.fleet;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.obd.backstore.config.ConfigException;
import dev.obd.backstore.config.ConfigObject;
import dev.obd.backstore.config.PrefetchConfig;
import dev.obd.backstore.prefetch.PrefetchBudget;
import dev.obd.backstore.prefetch.TraceChoice;
import dev.obd.io.FailureText;
import dev.obd.io.PendingFile;
import dev.obd.trace.FileList;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Records of attachments: one JSON file each, whole or absent, on stable storage before anything
 * relies on it.
 */
final class AttachmentStore {
  static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,47}");

  private static final String SUFFIX = ".json";
  private static final int VERSION = 1;
  private static final int MAX_RECORDS = 10_000;
  private static final Path ROOT = Path.of("/");

  private final Path directory;

  AttachmentStore(Path directory) {
    this.directory = directory;
  }

  /**
   * What is there.
   *
   * @param unreadable files that are no records, with what is wrong with them
   */
  record Loaded(List<Attachment> attachments, List<Unreadable> unreadable) {}

  record Unreadable(Path file, String reason) {}

  Loaded load() throws IOException {
    List<Attachment> found = new ArrayList<>();
    List<Unreadable> unreadable = new ArrayList<>();
    if (!Files.exists(directory)) {
      return new Loaded(found, unreadable);
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
      for (Path file : files) {
        if (found.size() + unreadable.size() >= MAX_RECORDS) {
          throw new IOException(directory + ": more than " + MAX_RECORDS + " records");
        }
        try {
          found.add(read(file));
        } catch (IOException e) {
          unreadable.add(new Unreadable(file, FailureText.of(e)));
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return new Loaded(found, unreadable);
  }

  private static Attachment read(Path file) throws IOException {
    ConfigObject o = ConfigObject.read(file);
    int version = o.whole("version", 0, 0, Integer.MAX_VALUE);
    if (version != VERSION) {
      throw o.wrong("version", String.valueOf(VERSION), version);
    }
    String name = required(o, "name");
    if (!NAME.matcher(name).matches() || !file.endsWith(name + SUFFIX)) {
      throw o.wrong("name", "the file's name", "'" + name + "'");
    }
    String door = required(o, "door");
    return new Attachment(
        name,
        required(o, "source"),
        Door.of(door).orElseThrow(() -> o.wrong("door", "a door", "'" + door + "'")),
        o.string("where", ""),
        o.string("node", ""),
        absolute(o, "mount"),
        o.bool("mountMade", false),
        o.string("fsType", ""),
        o.string("mountOptions", ""),
        o.bool("writable", false),
        absolute(o, "upper"),
        replay(o),
        prefetch(o),
        instant(o, "since"),
        o.bool("complete", false));
  }

  private static ReplayRequest replay(ConfigObject o) throws ConfigException {
    String trace = o.string("trace", o.bool("replay", true) ? "" : "none");
    String budget = o.string("prefetchBudget", "");
    try {
      return new ReplayRequest(TraceChoice.parse(trace), PrefetchBudget.parse(budget));
    } catch (IllegalArgumentException e) {
      throw o.wrong("trace", "what is replayed", "'" + trace + "', budget '" + budget + "'");
    }
  }

  private static PrefetchConfig prefetch(ConfigObject o) throws ConfigException {
    List<String> files = o.strings("prefetchFiles", FileList.MAX_LISTED);
    try {
      return new PrefetchConfig(FileList.of(files), Duration.ZERO);
    } catch (IllegalArgumentException e) {
      throw o.wrong("prefetchFiles", "absolute paths", String.valueOf(e.getMessage()));
    }
  }

  private static String required(ConfigObject o, String key) throws ConfigException {
    Optional<String> value = o.string(key);
    if (value.isEmpty()) {
      throw o.wrong(key, "a string", "nothing");
    }
    return value.get();
  }

  private static Optional<Path> absolute(ConfigObject o, String key) throws ConfigException {
    Optional<Path> path = o.path(key, Path.of(""));
    if (path.isPresent() && !path.get().startsWith(ROOT)) {
      throw o.wrong(key, "an absolute path", path.get());
    }
    return path;
  }

  private static Instant instant(ConfigObject o, String key) throws ConfigException {
    String text = required(o, key);
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      throw o.wrong(key, "a time", "'" + text + "'");
    }
  }

  /** Writes the record, or replaces it at once. */
  void save(Attachment a) throws IOException {
    Files.createDirectories(directory);
    var json = new JsonObject();
    json.addProperty("version", VERSION);
    json.addProperty("name", a.name());
    json.addProperty("source", a.source());
    json.addProperty("door", a.door().label());
    json.addProperty("where", a.where());
    json.addProperty("node", a.node());
    json.addProperty("mount", a.mount().map(Path::toString).orElse(""));
    json.addProperty("mountMade", a.mountMade());
    json.addProperty("fsType", a.fsType());
    json.addProperty("mountOptions", a.mountOptions());
    json.addProperty("writable", a.writable());
    json.addProperty("upper", a.upper().map(Path::toString).orElse(""));
    json.addProperty("trace", a.replay().trace().text());
    json.addProperty("prefetchBudget", a.replay().budget().text());
    JsonArray prefetch = new JsonArray();
    a.prefetch().paths().forEach(prefetch::add);
    json.add("prefetchFiles", prefetch);
    json.addProperty("since", a.since().toString());
    json.addProperty("complete", a.complete());
    String text =
        new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(json) + "\n";
    try (PendingFile file = PendingFile.create(path(a.name()), PendingFile.Existing.REPLACE)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        file.channel().write(bytes);
      }
      file.commit();
    }
    sync();
  }

  /** Removes the record; nothing if there is none. */
  void delete(String name) throws IOException {
    if (Files.deleteIfExists(path(name))) {
      sync();
    }
  }

  /** Removes a file that is no record. */
  void delete(Unreadable file) throws IOException {
    Files.deleteIfExists(file.file());
  }

  private Path path(String name) {
    return directory.resolve(name + SUFFIX);
  }

  private void sync() throws IOException {
    try (FileChannel itself = FileChannel.open(directory, StandardOpenOption.READ)) {
      itself.force(true);
    }
  }
}
