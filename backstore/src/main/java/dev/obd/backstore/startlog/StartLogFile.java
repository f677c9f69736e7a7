package dev.obd.backstore.startlog;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.JsonWriter;
import dev.obd.backstore.startlog.StartEvent.Kind;
import dev.obd.backstore.startlog.StartLog.Layer;
import dev.obd.backstore.startlog.StartLog.Planned;
import dev.obd.io.FileSink;
import dev.obd.io.ReadContext.Purpose;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.Reader;
import java.io.StringReader;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A start log as a file: lines of JSON. Layout: docs/formats/start-log.md. */
public final class StartLogFile {
  /** The largest that is read. */
  public static final long MAX_FILE_BYTES = 128L << 20;

  private static final int VERSION = 1;
  private static final String FIRST = "obdStartLog";
  private static final int MAX_PLANNED = 1 << 20;
  private static final int MAX_LINE = 4 << 20; // the first, with its layers
  private static final int BUFFER = 1 << 16;

  private StartLogFile() {}

  /** Writes it whole or not at all; a file of that name is replaced. */
  public static void write(StartLog log, Path file) throws IOException {
    try (FileSink sink = FileSink.create(file)) {
      try (Writer out =
          new BufferedWriter(
              new OutputStreamWriter(stream(sink), StandardCharsets.UTF_8), BUFFER)) {
        write(log, out);
      }
      sink.finish();
    }
  }

  private static OutputStream stream(FileSink sink) {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int from, int length) throws IOException {
        sink.write(ByteBuffer.wrap(bytes, from, length));
      }
    };
  }

  private static void write(StartLog log, Writer out) throws IOException {
    var json = new JsonWriter(out);
    json.setStrictness(Strictness.LENIENT); // several documents, one per line
    json.beginObject().name(FIRST).value(VERSION).name("image").value(log.image());
    json.name("diskBytes").value(log.diskBytes()).name("layers").beginArray();
    for (Layer layer : log.layers()) {
      json.beginObject().name("name").value(layer.name()).name("digest").value(layer.digest());
      json.name("blobBytes").value(layer.blobBytes());
      json.name("unitBytes").value(layer.unitBytes());
      json.name("refillBytes").value(layer.refillBytes()).endObject();
    }
    json.endArray().endObject();
    for (Planned need : log.needs()) {
      planned(json, out, "need", need);
    }
    for (Planned step : log.steps()) {
      planned(json, out, "step", step);
    }
    for (StartEvent event : log.events()) {
      line(json, out, event.kind().label());
      json.value(event.thread()).value(event.beginMicros()).value(event.endMicros());
      json.value(event.layer()).value(event.offset()).value(event.length());
      json.value(label(event.purpose())).value(event.raised()).value(event.ok()).endArray();
    }
    line(json, out, "end").value(log.endMicros()).value(log.dropped()).endArray();
    json.flush();
    out.write('\n');
  }

  private static void planned(JsonWriter json, Writer out, String kind, Planned part)
      throws IOException {
    line(json, out, kind).value(part.layer()).value(part.offset()).value(part.length()).endArray();
  }

  private static JsonWriter line(JsonWriter json, Writer out, String kind) throws IOException {
    out.write('\n');
    return json.beginArray().value(kind);
  }

  private static String label(Purpose purpose) {
    return purpose.name().toLowerCase(Locale.ROOT);
  }

  /** True if {@code file} begins as a start log does. */
  public static boolean isStartLog(Path file) throws IOException {
    byte[] wanted = ("{\"" + FIRST + "\"").getBytes(StandardCharsets.US_ASCII);
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (var in = Files.newInputStream(file)) {
      return java.util.Arrays.equals(in.readNBytes(wanted.length), wanted);
    }
  }

  /**
   * Reads a log.
   *
   * @throws IOException if it cannot be read, or is no log: says which line
   */
  public static StartLog read(Path file) throws IOException {
    long size = Files.size(file);
    if (size > MAX_FILE_BYTES) {
      throw new IOException(
          file + ": start log: expected at most " + MAX_FILE_BYTES + " bytes, got " + size);
    }
    try (var lines = Files.newBufferedReader(file)) {
      var reading = new Reading();
      int number = 0;
      try {
        for (String line = line(lines); !line.isEmpty(); line = line(lines)) {
          number++;
          reading.line(line, number);
        }
      } catch (IOException | RuntimeException e) { // Gson's, or a value that cannot be
        throw new IOException(file + " line " + number + ": start log: " + e.getMessage(), e);
      }
      return reading
          .log()
          .orElseThrow(() -> new IOException(file + ": start log: its last line is missing"));
    }
  }

  /** A line with its end, if it has one; empty at the end of the file. */
  private static String line(Reader in) throws IOException {
    var line = new StringBuilder();
    for (int c = in.read(); c >= 0; c = in.read()) {
      line.append((char) c);
      if (c == '\n') {
        break;
      }
      if (line.length() == MAX_LINE) {
        throw new IOException("the next line has more than " + MAX_LINE + " characters");
      }
    }
    return line.toString();
  }

  /** What was read so far. */
  private static final class Reading {
    private String image = "";
    private long diskBytes;
    private List<Layer> layers = List.of();
    private final List<Planned> needs = new ArrayList<>();
    private final List<Planned> steps = new ArrayList<>();
    private final List<StartEvent> events = new ArrayList<>();
    private long endMicros = -1;
    private long dropped;

    Optional<StartLog> log() {
      return endMicros < 0
          ? Optional.empty()
          : Optional.of(
              new StartLog(image, diskBytes, layers, needs, steps, events, endMicros, dropped));
    }

    void line(String line, int number) throws IOException {
      if (endMicros >= 0) {
        throw new IOException("a line after the last");
      }
      var json = new JsonReader(new StringReader(line));
      json.setStrictness(Strictness.STRICT);
      if (number == 1) {
        first(json);
      } else {
        json.beginArray();
        entry(json.nextString(), json);
        json.endArray();
      }
      if (json.peek() != JsonToken.END_DOCUMENT) {
        throw new IOException("more than one value");
      }
    }

    private void first(JsonReader json) throws IOException {
      json.beginObject();
      name(json, FIRST);
      int version = json.nextInt();
      if (version != VERSION) {
        throw new IOException("version: expected " + VERSION + ", got " + version);
      }
      name(json, "image");
      image = json.nextString();
      name(json, "diskBytes");
      diskBytes = atLeast0("diskBytes", json.nextLong());
      name(json, "layers");
      List<Layer> found = new ArrayList<>();
      json.beginArray();
      while (json.hasNext()) {
        if (found.size() == StartLog.MAX_LAYERS) {
          throw new IOException("more than " + StartLog.MAX_LAYERS + " layers");
        }
        found.add(layer(json));
      }
      json.endArray();
      json.endObject();
      layers = found;
    }

    private static Layer layer(JsonReader json) throws IOException {
      json.beginObject();
      name(json, "name");
      String name = json.nextString();
      name(json, "digest");
      String digest = json.nextString();
      name(json, "blobBytes");
      long blobBytes = atLeast0("blobBytes", json.nextLong());
      long unitBytes = powerOfTwo(json, "unitBytes");
      long refillBytes = powerOfTwo(json, "refillBytes");
      json.endObject();
      return new Layer(name, digest, blobBytes, unitBytes, refillBytes);
    }

    private static long powerOfTwo(JsonReader json, String key) throws IOException {
      name(json, key);
      long value = atLeast0(key, json.nextLong());
      if (Long.bitCount(value) > 1) {
        throw new IOException(key + ": expected a power of two or 0, got " + value);
      }
      return value;
    }

    private void entry(String kind, JsonReader json) throws IOException {
      switch (kind) {
        case "need" -> planned(json, needs);
        case "step" -> planned(json, steps);
        case "end" -> {
          endMicros = atLeast0("end", json.nextLong());
          dropped = atLeast0("dropped", json.nextLong());
        }
        default -> events.add(event(kind(kind), json));
      }
      if (events.size() > StartRecorder.MAX_EVENTS) {
        throw new IOException("more than " + StartRecorder.MAX_EVENTS + " events");
      }
    }

    private void planned(JsonReader json, List<Planned> into) throws IOException {
      if (into.size() == MAX_PLANNED) {
        throw new IOException("more than " + MAX_PLANNED + " of them");
      }
      into.add(new Planned(known(json.nextInt()), json.nextLong(), json.nextLong()));
    }

    private StartEvent event(Kind kind, JsonReader json) throws IOException {
      return new StartEvent(
          kind,
          json.nextLong(),
          json.nextLong(),
          json.nextLong(),
          known(json.nextInt()),
          json.nextLong(),
          json.nextLong(),
          purpose(json.nextString()),
          json.nextBoolean(),
          json.nextBoolean());
    }

    private int known(int layer) throws IOException {
      if (layer >= layers.size()) {
        throw new IOException("layer: expected less than " + layers.size() + ", got " + layer);
      }
      return layer;
    }

    private static Kind kind(String label) throws IOException {
      for (Kind kind : Kind.values()) {
        if (kind.label().equals(label)) {
          return kind;
        }
      }
      throw new IOException("unknown kind of line: " + label);
    }

    private static Purpose purpose(String label) throws IOException {
      for (Purpose purpose : Purpose.values()) {
        if (label(purpose).equals(label)) {
          return purpose;
        }
      }
      throw new IOException("unknown purpose: " + label);
    }

    private static void name(JsonReader json, String expected) throws IOException {
      String name = json.nextName();
      if (!name.equals(expected)) {
        throw new IOException("expected \"" + expected + "\", got \"" + name + "\"");
      }
    }

    private static long atLeast0(String field, long value) throws IOException {
      if (value < 0) {
        throw new IOException(field + ": expected at least 0, got " + value);
      }
      return value;
    }
  }
}
