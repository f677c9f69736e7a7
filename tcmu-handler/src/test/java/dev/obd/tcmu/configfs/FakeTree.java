package dev.obd.tcmu.configfs;

import dev.obd.nativeio.Errno;
import dev.obd.nativeio.ErrnoException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A directory that behaves as configfs and sysfs do, as far as it matters; fails on request. */
final class FakeTree implements Tree {
  final List<String> steps = new ArrayList<>();
  final KernelPaths paths;
  private final Path root;
  int failAt = -1;
  int busyTimes;

  FakeTree(Path root) throws IOException {
    this.root = root;
    this.paths = new KernelPaths(root.resolve("sys"), root.resolve("dev"));
    Files.createDirectories(paths.target().resolve("core"));
    Files.createDirectories(paths.dev());
  }

  private void step(String what, Path path) throws IOException {
    int number = steps.size();
    steps.add(what + " " + root.relativize(path));
    if (number == failAt) {
      throw new ErrnoException(what + "(" + path + ")", Errno.EIO.number());
    }
  }

  @Override
  public void makeDirectory(Path directory) throws IOException {
    step("mkdir", directory);
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      throw new ErrnoException("mkdir", Errno.EEXIST.number());
    } catch (NoSuchFileException e) {
      throw new ErrnoException("mkdir", Errno.ENOENT.number());
    }
    String parent = directory.getParent().getFileName().toString();
    if (parent.startsWith("user_")) {
      for (String dir : List.of("wwn", "attrib", "action")) {
        Files.createDirectory(directory.resolve(dir));
      }
    } else if (directory.endsWith("tpgt_1")) {
      Files.createDirectory(directory.resolve("lun"));
      Files.writeString(directory.resolve("address"), "2:0:1\n");
    }
  }

  @Override
  public void removeDirectory(Path directory) throws IOException {
    steps.add("rmdir " + root.relativize(directory));
    if (!Files.isDirectory(directory)) {
      throw new ErrnoException("rmdir", Errno.ENOENT.number());
    }
    String name = directory.getFileName().toString();
    if (name.startsWith("user_")) {
      if (directory.toFile().list().length > 0) {
        throw new ErrnoException("rmdir", Errno.ENOTEMPTY.number());
      }
    } else if (Files.exists(directory.resolve("lun/lun_0"))) {
      throw new ErrnoException("rmdir", Errno.ENOTEMPTY.number());
    }
    try (var all = Files.walk(directory)) { // what the kernel made goes with it
      for (Path path : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        if (Files.isSymbolicLink(path)) {
          throw new ErrnoException("rmdir", Errno.EBUSY.number());
        }
        Files.delete(path);
      }
    }
  }

  @Override
  public void write(Path file, String text) throws IOException {
    step("write " + text + " to", file);
    if (file.endsWith("enable") && busyTimes-- > 0) {
      throw new ErrnoException("write", Errno.EAGAIN.number());
    }
    try {
      Files.writeString(file, text);
    } catch (NoSuchFileException e) {
      throw new ErrnoException("write", Errno.ENOENT.number());
    }
  }

  @Override
  public void writeAndWait(Path file, String text) throws IOException {
    write(file, text);
  }

  @Override
  public void touch(Path disk) throws IOException {
    step("touch", disk);
    if (!Files.exists(disk)) {
      throw new ErrnoException("open", Errno.ENXIO.number());
    }
  }

  @Override
  public void link(Path target, Path at) throws IOException {
    step("link", at);
    Files.createSymbolicLink(at, target);
    Path device = paths.sys().resolve("class/scsi_device/2:0:1:0/device/block/sdq");
    Files.createDirectories(device);
    Files.createDirectories(paths.sys().resolve("block/sdq/device"));
    Files.writeString(paths.sys().resolve("block/sdq/device/timeout"), "30");
    Files.writeString(paths.dev().resolve("sdq"), "");
  }

  @Override
  public void unlink(Path file) throws IOException {
    steps.add("unlink " + root.relativize(file));
    Files.delete(file);
  }
}
