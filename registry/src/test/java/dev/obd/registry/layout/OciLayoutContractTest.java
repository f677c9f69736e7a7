package dev.obd.registry.layout;

import dev.obd.registry.RegistryClock;
import dev.obd.registry.Repository;
import dev.obd.registry.RepositoryContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class OciLayoutContractTest extends RepositoryContract {
  @TempDir Path directory;

  @Override
  protected Repository repository(String name) {
    return new OciLayout(directory.resolve(name), RegistryClock.SYSTEM);
  }
}
