package dev.obd.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** What Maven's scopes cannot see. */
@AnalyzeClasses(packages = "dev.obd", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("dev.obd.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule frontEndsSeeOnlyTheDevice =
      noClasses()
          .that()
          .resideInAnyPackage(
              "dev.obd.tcmu..",
              "dev.obd.fuse..",
              "dev.obd.kernelnbd..",
              "dev.obd.ublk..",
              "dev.obd.mount..",
              "dev.obd.backstore.nbd..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.obd.format..",
              "dev.obd.registry..",
              "dev.obd.trace..",
              "dev.obd.backstore.image..",
              "dev.obd.backstore.source..",
              "dev.obd.backstore.cache..",
              "dev.obd.backstore.prefetch..",
              "dev.obd.backstore.build..",
              "dev.obd.backstore.store..",
              "dev.obd.backstore.config..",
              "dev.obd.backstore.download..",
              "dev.obd.backstore.fleet..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule theFormatsKnowNothingAboveThem =
      noneOf("dev.obd.io..", "dev.obd.format..").mayUse("dev.obd.registry..", "dev.obd.trace..");

  @ArchTest
  static final ArchRule theRegistryKnowsNoFormat =
      noneOf("dev.obd.registry..").mayUse("dev.obd.io..", "dev.obd.format..", "dev.obd.trace..");

  @ArchTest
  static final ArchRule theTraceKnowsNoSource =
      noneOf("dev.obd.trace..").mayUse("dev.obd.io..", "dev.obd.format..", "dev.obd.registry..");

  @ArchTest
  static final ArchRule jnrStaysInNativeio =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.obd.nativeio..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("jnr.ffi..", "com.kenai..");

  @ArchTest
  static final ArchRule nettyStaysInServers =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "dev.obd.backstore.nbd..", "dev.obd.backstore.socket..", "dev.obd.backstore.admin..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.netty..");

  @ArchTest
  static final ArchRule registrySpeaksHttpThroughHttpClient5 =
      noClasses()
          .that()
          .resideInAPackage("dev.obd.registry..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("java.net.http..", "com.sun.net.httpserver..", "io.netty..");

  @ArchTest
  static final ArchRule theCoreTakesItsClockFromOutside =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "dev.obd.cli..", "dev.obd.io..", "dev.obd.testdata..", "dev.obd.bench..")
          .and()
          .haveNameNotMatching("dev\\.obd\\.registry\\.RegistryClock.*") // the clock of that leaf
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Thread.class, "sleep", long.class)
          .orShould()
          .callMethod(Thread.class, "sleep", java.time.Duration.class);

  private interface Leaf {
    ArchRule mayUse(String... others);
  }

  /** A leaf knows neither the other leaves nor anything above. */
  private static Leaf noneOf(String... leaf) {
    return others ->
        noClasses()
            .that()
            .resideInAnyPackage(leaf)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                java.util.stream.Stream.concat(
                        java.util.stream.Stream.of(
                            "dev.obd.backstore..",
                            "dev.obd.cli..",
                            "dev.obd.fuse..",
                            "dev.obd.nativeio.."),
                        java.util.Arrays.stream(others))
                    .toArray(String[]::new));
  }
}
