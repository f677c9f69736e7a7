package dev.obd.testdata.vm;

/** What runs the guest. */
public enum Engine {
  /** A Linux 6.1 as an ordinary process: TCMU, NBD, loop and FUSE; one CPU. */
  UML("uml"),

  /** An emulated Linux 6.12: several CPUs and ublk. */
  QEMU("qemu");

  private final String option;

  Engine(String option) {
    this.option = option;
  }

  /** What {@code run-in-vm} calls it. */
  String option() {
    return option;
  }
}
