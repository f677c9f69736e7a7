package dev.obd.backstore.fleet;

import java.util.List;

/**
 * What became of things that dead processes left behind; texts are for humans.
 *
 * @param cleared what was removed
 * @param failed what could not be removed, and why
 */
public record Cleared(List<String> cleared, List<String> failed) {
  public Cleared {
    cleared = List.copyOf(cleared);
    failed = List.copyOf(failed);
  }
}
