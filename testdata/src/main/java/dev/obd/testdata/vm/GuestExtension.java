package dev.obd.testdata.vm;

import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * Runs the class in a guest before its first test here, then lets each test end as it did there.
 * That all is run at once keeps the time limits of this side out of it.
 */
final class GuestExtension implements BeforeAllCallback, InvocationInterceptor {
  private static final ExtensionContext.Namespace HERE =
      ExtensionContext.Namespace.create(GuestExtension.class);

  @Override
  public void beforeAll(ExtensionContext context) throws IOException, InterruptedException {
    if (Guest.isHere() || context.getStore(HERE).get(GuestRun.class) != null) {
      return;
    }
    Class<?> test = context.getRequiredTestClass();
    InGuest how = test.getAnnotation(InGuest.class);
    if (how == null) { // a nested class: the store is that of its outer class
      throw new IllegalStateException(test + " has no @InGuest");
    }
    Optional<String> missing = Guest.missing(how.engine());
    if (missing.isPresent() && Guest.isRequired()) {
      throw new IOException("no guest: " + missing.get());
    }
    Assumptions.assumeTrue(missing.isEmpty(), () -> "no guest: " + missing.orElse(""));
    context.getStore(HERE).put(GuestRun.class, GuestRun.of(test, how));
  }

  private static void replay(Invocation<Void> invocation, ExtensionContext context)
      throws Throwable {
    if (Guest.isHere()) {
      invocation.proceed();
      return;
    }
    invocation.skip();
    context.getStore(HERE).get(GuestRun.class, GuestRun.class).replay(context.getUniqueId());
  }

  private static void leave(Invocation<Void> invocation) throws Throwable {
    if (Guest.isHere()) {
      invocation.proceed();
    } else {
      invocation.skip();
    }
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    replay(invocation, context);
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    replay(invocation, context);
  }

  @Override
  public <T extends @Nullable Object> T interceptTestFactoryMethod(
      Invocation<T> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    throw new UnsupportedOperationException("no test factories in a class with @InGuest");
  }

  @Override
  public void interceptBeforeAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    leave(invocation);
  }

  @Override
  public void interceptBeforeEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    leave(invocation);
  }

  @Override
  public void interceptAfterEachMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    leave(invocation);
  }

  @Override
  public void interceptAfterAllMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    leave(invocation);
  }
}
