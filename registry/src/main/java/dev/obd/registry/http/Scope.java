package dev.obd.registry.http;

import java.util.List;

/** What a token is to allow, in the words of token services. */
record Scope(List<String> parts) {
  static Scope pull(String repository) {
    return new Scope(List.of("repository:" + repository + ":pull"));
  }

  static Scope push(String repository) {
    return new Scope(List.of("repository:" + repository + ":pull,push"));
  }

  static Scope delete(String repository) {
    return new Scope(List.of("repository:" + repository + ":pull,push,delete"));
  }

  /** To take a blob from one repository into another. */
  static Scope mount(String to, String from) {
    return new Scope(List.of("repository:" + to + ":pull,push", "repository:" + from + ":pull"));
  }
}
