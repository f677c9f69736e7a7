package dev.obd.registry.auth;

/** Where overlaybd's {@code credentialConfig.mode} has credentials come from. */
public enum CredentialMode {
  /** A {@code cred.json}; its path. */
  FILE,
  /** A service that answers plain HTTP; its URL. */
  HTTP,
  /** A service that answers HTTPS, perhaps only to those with a certificate; its URL. */
  HTTPS,
  /** A service behind a unix socket; its path. */
  UDS
}
