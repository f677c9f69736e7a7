package dev.obd.testdata.vm;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * This test class runs in a guest, as root, on the same class path: a guest is booted for it, all
 * of the class is run there, and each test ends here as it ended there, with the guest's stack
 * trace. Where no guest can be had the class is skipped, or fails if {@code OBD_VM=required} is in
 * the environment.
 *
 * <p>On this side nothing of the class is run but its constructor, its method sources and the
 * making of its temporary directories. So it needs no care of its own, except: no test factories,
 * and no extensions with side effects. In the guest {@code java.io.tmpdir} is {@code /run/tmp}, a
 * tmpfs.
 *
 * <p>{@code -Dobd.guest.only=NAME} runs only test methods with that name, which saves time while
 * one is written; the rest is skipped.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(GuestExtension.class)
public @interface InGuest {
  /** What runs the guest. */
  Engine engine() default Engine.UML;

  /** The guest's memory, MiB. */
  int memory() default 2048;

  /** The guest's CPUs; more than one needs {@link Engine#QEMU}. */
  int cpus() default 1;

  /** How long the whole class may take, boot included. A guard against hangs, not a measure. */
  int limitSeconds() default 300;

  /** The largest heap of the tests' JVM, MiB. */
  int heap() default 256;
}
