package dev.obd.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.testdata.Golden;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import picocli.CommandLine;

/** Every command teaches itself, and what the documents say to type can be typed. */
class HelpTest {
  private static CommandLine line() {
    return Main.commandLine(
        new PrintWriter(PrintWriter.nullWriter()), new PrintWriter(PrintWriter.nullWriter()));
  }

  private static List<CommandLine> all(CommandLine line) {
    List<CommandLine> found = new ArrayList<>(List.of(line));
    line.getSubcommands().values().stream()
        .distinct()
        .filter(sub -> !(sub.getCommand() instanceof CommandLine.HelpCommand))
        .forEach(sub -> found.addAll(all(sub)));
    return found;
  }

  @TestFactory
  Stream<DynamicTest> theHelpOfEveryCommandHasAnExample() {
    return all(line()).stream()
        .map(command -> {
          String name = command.getCommandSpec().qualifiedName();
          return DynamicTest.dynamicTest(name, () -> hasExample(command, name));
        });
  }

  private static void hasExample(CommandLine command, String name) {
    String usage = command.setUsageHelpWidth(300).getUsageMessage();
    assertThat(usage.lines().skip(1).filter(line -> !line.contains("[OPTIONS]")))
        .as(usage)
        .anyMatch(line -> line.contains(name + " "));
  }

  @TestFactory
  Stream<DynamicTest> theExamplesOfTheHelpCanBeTyped() {
    return all(line()).stream()
        .flatMap(command ->
            command
                .setUsageHelpWidth(300)
                .getUsageMessage()
                .lines()
                .skip(1)
                .filter(
                    line -> line.matches("(Example.*|Try it.*|Read it.*|Mount it.*| {9,})obd .*"))
                .filter(line -> !line.contains("[OPTIONS]") && !line.contains("[-f]"))
                .map(line -> line.substring(line.indexOf("obd "))))
        .map(example -> DynamicTest.dynamicTest(example, () -> parse(example)));
  }

  @TestFactory
  Stream<DynamicTest> whatTheDocumentsSayCanBeTyped() throws IOException {
    List<Path> documents = new ArrayList<>(List.of(Golden.repository().resolve("README.md")));
    try (Stream<Path> files = Files.walk(Golden.repository().resolve("docs"))) {
      files.filter(file -> file.toString().endsWith(".md")).forEach(documents::add);
    }
    List<DynamicTest> tests = new ArrayList<>();
    for (Path document : documents) {
      for (String command : commands(Files.readString(document))) {
        tests.add(
            DynamicTest.dynamicTest(document.getFileName() + ": " + command, () -> parse(command)));
      }
    }
    assertThat(tests).isNotEmpty();
    return tests.stream();
  }

  @Test
  void aDocumentsCommandsAreFound() {
    assertThat(commands("text `obd inline`\n```sh\n./obd a b   # why\nobd c && ./obd d | x\n```\n"))
        .containsExactly("obd a b", "obd c", "obd d");
  }

  /** Commands in the fenced blocks of a document. */
  private static List<String> commands(String markdown) {
    List<String> commands = new ArrayList<>();
    Matcher fence = Pattern.compile("(?ms)^```(?:sh|bash|console)?\\n(.*?)^```").matcher(markdown);
    while (fence.find()) {
      for (String line : fence.group(1).split("\n")) {
        for (String part : line.replaceFirst("\\s#.*", "").split("&&|\\|\\|?|;")) {
          Matcher command = Pattern.compile("^\\s*(?:[$#] )?(?:\\./)?(obd .*?)\\s*$").matcher(part);
          if (command.find()) {
            commands.add(command.group(1));
          }
        }
      }
    }
    return commands;
  }

  /** Splits as a shell does, as far as documents need it, and parses; nothing is run. */
  private static void parse(String command) {
    String plain =
        command.replaceFirst("\\s+(#|\\(needs|or\\s).*$", "").replaceAll("\\s*[&|>)].*$", "");
    List<String> words = new ArrayList<>();
    Matcher word = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)").matcher(plain);
    while (word.find()) {
      words.add(
          Stream.of(1, 2, 3).map(word::group).filter(g -> g != null).findFirst().orElseThrow());
    }
    assertThat(words.getFirst()).isEqualTo("obd");
    line().parseArgs(words.subList(1, words.size()).toArray(String[]::new));
  }
}
