package dev.obd.registry.auth;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One challenge of a {@code WWW-Authenticate} header. Source: RFC 9110 section 11.6.1.
 *
 * @param scheme lower case
 * @param parameters names in lower case, values unquoted
 */
public record Challenge(String scheme, Map<String, String> parameters) {
  private static final int MAX_CHALLENGES = 16;

  public Challenge {
    parameters = Map.copyOf(parameters);
  }

  public Optional<String> parameter(String name) {
    return Optional.ofNullable(parameters.get(name));
  }

  /**
   * All challenges of all header lines, in order. Commas separate both challenges and parameters
   * and may stand in quotes; what makes no sense is skipped, because one strange challenge must not
   * hide the one we can answer.
   */
  public static List<Challenge> parse(List<String> headers) {
    var all = new ArrayList<Challenge>();
    for (String header : headers) {
      new Scanner(header).challenges(all);
    }
    return List.copyOf(all);
  }

  /** The first Bearer challenge that says where to go, else the first Basic one. */
  public static Optional<Challenge> preferred(List<Challenge> challenges) {
    return challenges.stream()
        .filter(c -> c.scheme.equals("bearer") && c.parameters.containsKey("realm"))
        .findFirst()
        .or(() -> challenges.stream().filter(c -> c.scheme.equals("basic")).findFirst());
  }

  /** A cursor over one header line. */
  private static final class Scanner {
    private final String text;
    private int at;

    Scanner(String text) {
      this.text = text;
    }

    void challenges(List<Challenge> all) {
      String scheme = "";
      var parameters = new LinkedHashMap<String, String>();
      while (at < text.length()) {
        skip(" \t,");
        String word = token();
        if (word.isEmpty()) {
          at++; // not a token: step over it
          continue;
        }
        int afterWord = at;
        skip(" \t");
        boolean value = at < text.length() && text.charAt(at) == '=' && !isToken68Padding();
        if (value && !scheme.isEmpty()) {
          at++;
          skip(" \t");
          parameters.putIfAbsent(word.toLowerCase(Locale.ROOT), value());
        } else if (afterWord < text.length() && text.charAt(afterWord) == '=') {
          skipPast68();
        } else {
          add(all, scheme, parameters);
          scheme = word.toLowerCase(Locale.ROOT);
          parameters.clear();
        }
      }
      add(all, scheme, parameters);
    }

    private static void add(List<Challenge> all, String scheme, Map<String, String> parameters) {
      if (!scheme.isEmpty() && all.size() < MAX_CHALLENGES) {
        all.add(new Challenge(scheme, parameters));
      }
    }

    /** True at the {@code =} or {@code ==} that ends a token68: nothing follows it. */
    private boolean isToken68Padding() {
      int i = at;
      while (i < text.length() && text.charAt(i) == '=') {
        i++;
      }
      while (i < text.length() && (text.charAt(i) == ' ' || text.charAt(i) == '\t')) {
        i++;
      }
      return i == text.length() || text.charAt(i) == ',';
    }

    private void skipPast68() {
      while (at < text.length() && text.charAt(at) != ',') {
        at++;
      }
    }

    private void skip(String any) {
      while (at < text.length() && any.indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private String token() {
      int from = at;
      while (at < text.length() && isTokenChar(text.charAt(at))) {
        at++;
      }
      return text.substring(from, at);
    }

    private String value() {
      if (at >= text.length() || text.charAt(at) != '"') {
        int from = at; // some send URLs without quotes: up to the next separator
        while (at < text.length() && " \t,".indexOf(text.charAt(at)) < 0) {
          at++;
        }
        return text.substring(from, at);
      }
      var out = new StringBuilder();
      at++;
      while (at < text.length() && text.charAt(at) != '"') {
        if (text.charAt(at) == '\\' && at + 1 < text.length()) {
          at++;
        }
        out.append(text.charAt(at++));
      }
      at++; // the closing quote, or the end
      return out.toString();
    }

    private static boolean isTokenChar(char c) {
      return (c >= 'a' && c <= 'z')
          || (c >= 'A' && c <= 'Z')
          || (c >= '0' && c <= '9')
          || "!#$%&'*+-.^_`|~/".indexOf(c) >= 0; // '/' for token68
    }
  }
}
