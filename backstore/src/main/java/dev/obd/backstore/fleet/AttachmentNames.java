package dev.obd.backstore.fleet;

import java.util.function.Predicate;

/** Names of attachments, which are names in the kernel's configuration, too. */
final class AttachmentNames {
  private static final int MOST_CHARS = 40;

  private AttachmentNames() {}

  static String checked(String name) {
    if (!AttachmentStore.NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name: expected up to 48 letters, digits, - and _, beginning with a letter or digit, got '"
              + name.substring(0, Math.min(name.length(), 100))
              + "'");
    }
    return name;
  }

  /** A name that tells the source, and is not taken. */
  static String from(String source, Predicate<String> taken) {
    int digest = source.indexOf('@');
    String text = digest < 0 ? source : source.substring(0, digest);
    text = text.replaceFirst("/+$", "");
    text = text.substring(text.lastIndexOf('/') + 1).replaceAll("[^A-Za-z0-9_-]+", "-");
    text = text.replaceAll("^[-_]+", "");
    text = text.substring(0, Math.min(text.length(), MOST_CHARS)).replaceAll("-+$", "");
    String base = text.isEmpty() ? "disk" : text;
    String name = base;
    for (int number = 2; taken.test(name); number++) {
      name = base + "-" + number;
    }
    return name;
  }
}
