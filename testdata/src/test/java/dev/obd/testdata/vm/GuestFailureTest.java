package dev.obd.testdata.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** What goes wrong in the guest goes wrong here. */
class GuestFailureTest {
  @InGuest
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class Fixture {
    @Test
    @Order(1)
    void succeeds() {}

    @Test
    @Order(2)
    void fails() {
      throw new IllegalStateException("outer", new AssertionError("inner"));
    }

    @Test
    @Order(2)
    void isSkipped() {
      assumeTrue(false, "not today");
    }

    @Test
    @Order(3)
    void halts() {
      System.out.println("about to halt");
      Runtime.getRuntime().halt(7);
    }

    @Test
    @Order(4)
    void comesAfterIt() {}
  }

  @Test
  void eachTestEndsAsItEndedInTheGuest() {
    String missing = Guest.missing(Engine.UML).orElse("");
    assumeTrue(missing.isEmpty(), missing);
    Map<String, TestExecutionResult> results = run(Fixture.class);
    assertThat(results.get("succeeds()").getThrowable()).isEmpty();

    Throwable failure = results.get("fails()").getThrowable().orElseThrow();
    assertThat(failure)
        .isInstanceOf(AssertionError.class)
        .hasMessage("in the guest, fails(): java.lang.IllegalStateException: outer");
    assertThat(failure.getStackTrace()[0].getMethodName()).isEqualTo("fails");
    assertThat(failure).cause().hasMessage("java.lang.AssertionError: inner");

    assertThat(results.get("isSkipped()").getStatus()).isEqualTo(Status.ABORTED);
    assertThat(results.get("isSkipped()").getThrowable().orElseThrow())
        .hasMessageContaining("not today");

    assertThat(results.get("halts()").getThrowable().orElseThrow())
        .hasMessageContaining("the guest ended with 7")
        .hasMessageContaining("about to halt");
    assertThat(results.get("comesAfterIt()").getThrowable().orElseThrow())
        .hasMessageContaining("the guest ended with 7");
  }

  private static Map<String, TestExecutionResult> run(Class<?> test) {
    var results = new HashMap<String, TestExecutionResult>();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request().selectors(selectClass(test)).build(),
            new TestExecutionListener() {
              @Override
              public void executionFinished(TestIdentifier id, TestExecutionResult result) {
                results.put(id.getDisplayName(), result);
              }
            });
    return results;
  }
}
