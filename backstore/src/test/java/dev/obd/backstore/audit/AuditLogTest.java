package dev.obd.backstore.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.obd.io.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class AuditLogTest {
  private final List<String> lines = new ArrayList<>();
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
  private final AuditLog audit =
      new AuditLog(
          lines::add,
          new Ticker() {
            @Override
            public long nanos() {
              return now.get();
            }

            @Override
            public void sleep(long nanos) {
              now.addAndGet(nanos);
            }
          });

  private static String thread() {
    return "th=%016X|".formatted(Thread.currentThread().threadId());
  }

  @Test
  void readsFromARegistryAreInItAsOverlaybdWritesThem() {
    audit.remote("r/a@sha256:12").read(4096, 262144, 824_999, true);
    audit.background("r/a@sha256:12").read(0, 100, 1000, false);
    assertThat(lines)
        .containsExactly(
            thread() + "download[pathname=/r/a@sha256:12][offset=4096][size=262144][latency=824]",
            thread() + "bk_download[pathname=/r/a@sha256:12][offset=0][size=-1][latency=1]");
  }

  @Test
  void onlySlowReadsOfLocalLayersAreWorthALine() {
    audit.local("x").read(0, 1, 9_999_999, true);
    assertThat(lines).isEmpty();
    audit.local("x").read(0, 1, 10_000_000, true);
    assertThat(lines).hasSize(1).first().asString().contains("|file:pread[pathname=/x]");
    audit.cached("x").read(0, 1, 10_000_000, true);
    assertThat(lines).hasSize(1);
  }

  @Test
  void evictionsAreAddedUpForASecond() {
    audit.evicted(100, 40, 900);
    audit.evicted(10, 10, 800);
    audit.evicted(20, 0, 700);
    now.addAndGet(1_000_000_000L);
    audit.evicted(1, 1, 600);
    assertThat(lines)
        .containsExactly(
            thread() + "eviction[actualEvict=100][evictByCache=60][evictByDisk=40][totalUsed=900]",
            thread() + "eviction[actualEvict=31][evictByCache=20][evictByDisk=11][totalUsed=600]");
  }

  @Test
  void aNameCannotForgeALine() {
    audit.remote("a\n2026/01/01|AUDIT|x").read(0, 1, 1, true);
    assertThat(lines.getFirst()).doesNotContain("\n");
  }
}
