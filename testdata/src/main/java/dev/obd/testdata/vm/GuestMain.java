package dev.obd.testdata.vm;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import com.google.gson.Gson;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs one test class in the guest and writes down what became of each test. */
public final class GuestMain {
  private GuestMain() {}

  /**
   * Runs the tests.
   *
   * @param args the class, the file for the outcomes, and the name of the only method, or nothing
   */
  public static void main(String[] args) throws IOException {
    String only = args.length > 2 ? args[2] : "";
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(args[0]))
            .filters(
                (PostDiscoveryFilter)
                    test ->
                        FilterResult.includedIf(
                            only.isEmpty()
                                || !(test.getSource().orElse(null) instanceof MethodSource m)
                                || m.getMethodName().equals(only)))
            .build();
    try (BufferedWriter file = Files.newBufferedWriter(Path.of(args[1]))) {
      LauncherFactory.create().execute(request, new Reporter(file));
    }
    // A test may have left threads behind that nothing will ever end.
    System.exit(0);
  }

  private static final class Reporter implements TestExecutionListener {
    private final Gson gson = new Gson();
    private final BufferedWriter file;

    Reporter(BufferedWriter file) {
      this.file = file;
    }

    @Override
    public void executionStarted(TestIdentifier test) {
      tell(test, Outcome.Kind.STARTED, null);
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
      tell(
          test,
          Outcome.Kind.ABORTED,
          new Failure(reason, java.util.List.of(), null, java.util.List.of()));
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      Outcome.Kind kind =
          switch (result.getStatus()) {
            case SUCCESSFUL -> Outcome.Kind.SUCCEEDED;
            case ABORTED -> Outcome.Kind.ABORTED;
            case FAILED -> Outcome.Kind.FAILED;
          };
      tell(test, kind, result.getThrowable().map(Failure::of).orElse(null));
    }

    private synchronized void tell(
        TestIdentifier test, Outcome.Kind kind, @Nullable Failure failure) {
      var outcome = new Outcome(test.getUniqueId(), test.getDisplayName(), kind, failure);
      try {
        file.write(gson.toJson(outcome));
        file.newLine();
        file.flush(); // the guest may be gone the next moment
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      if (test.isTest()) {
        System.out.println(
            kind.name().toLowerCase(java.util.Locale.ROOT) + " " + test.getDisplayName());
      }
    }
  }
}
