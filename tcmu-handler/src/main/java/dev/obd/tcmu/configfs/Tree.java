package dev.obd.tcmu.configfs;

import dev.obd.nativeio.KernelFiles;
import java.io.IOException;
import java.nio.file.Path;

/** What is done to configfs and sysfs. Failures are {@link dev.obd.nativeio.ErrnoException}s. */
interface Tree {
  void makeDirectory(Path directory) throws IOException;

  void removeDirectory(Path directory) throws IOException;

  void write(Path file, String text) throws IOException;

  /** {@link #write}, which the device's handler may have to answer. */
  void writeAndWait(Path file, String text) throws IOException;

  void link(Path target, Path at) throws IOException;

  /** Returns once {@code disk} can be opened and the kernel has looked for partitions. */
  void touch(Path disk) throws IOException;

  void unlink(Path file) throws IOException;

  /** The kernel's. */
  Tree KERNEL =
      new Tree() {
        private static final int OWNER_ONLY = 0700;

        @Override
        public void makeDirectory(Path directory) throws IOException {
          KernelFiles.makeDirectory(directory, OWNER_ONLY);
        }

        @Override
        public void removeDirectory(Path directory) throws IOException {
          KernelFiles.removeDirectory(directory);
        }

        @Override
        public void write(Path file, String text) throws IOException {
          KernelFiles.write(file, text);
        }

        @Override
        public void writeAndWait(Path file, String text) throws IOException {
          KernelFiles.writeAndWait(file, text);
        }

        @Override
        public void touch(Path disk) throws IOException {
          KernelFiles.touch(disk);
        }

        @Override
        public void link(Path target, Path at) throws IOException {
          KernelFiles.link(target, at);
        }

        @Override
        public void unlink(Path file) throws IOException {
          KernelFiles.remove(file);
        }
      };
}
