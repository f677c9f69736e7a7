package dev.obd.registry.tls;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** TLS contexts from PEM files. Host names are the business of who connects. */
public final class Trust {
  private static final int MAX_FILE = 4 << 20;
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ([A-Z ]*)PRIVATE KEY-----([^-]*)-----END");

  /** DER of {@code version 0, rsaEncryption, NULL}: what PKCS#8 puts before an RSA key. */
  private static final byte[] RSA_PREFIX =
      java.util.HexFormat.of().parseHex("020100300d06092a864886f70d0101010500");

  private static final char[] NO_PASSWORD = {};

  private Trust() {}

  /**
   * A context for connections as a client.
   *
   * @throws IOException if a file cannot be read or is not what it should be; says which
   */
  public static SSLContext context(TlsOptions options) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      KeyManagerFactory keys = null;
      if (options.certificate().isPresent() && options.key().isPresent()) {
        keys = keys(options.certificate().get(), options.key().get());
      }
      context.init(keys == null ? null : keys.getKeyManagers(), trust(options), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("tls: " + e.getMessage(), e);
    }
  }

  /** Null: what the JDK trusts. */
  private static TrustManager @Nullable [] trust(TlsOptions options)
      throws IOException, GeneralSecurityException {
    if (options.verification() == TlsOptions.Verification.NOTHING) {
      return new TrustManager[] {new Gullible()};
    }
    if (options.authorities().isEmpty()) {
      return null;
    }
    KeyStore store = emptyStore();
    int count = 0;
    if (options.verification() == TlsOptions.Verification.ALL_AUTHORITIES) {
      for (TrustManager manager : managers(null)) {
        if (manager instanceof X509TrustManager x509) {
          for (X509Certificate known : x509.getAcceptedIssuers()) {
            store.setCertificateEntry("jdk" + count++, known);
          }
        }
      }
    }
    for (Certificate own : certificates(options.authorities().get())) {
      store.setCertificateEntry("own" + count++, own);
    }
    return managers(store);
  }

  /** Believes everybody. The extended kind, because the JDK checks host names for the other. */
  private static final class Gullible extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  @SuppressWarnings("NullAway") // null asks for the JDK's own certificates
  private static TrustManager[] managers(@Nullable KeyStore store) throws GeneralSecurityException {
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  private static KeyManagerFactory keys(Path certificate, Path key)
      throws IOException, GeneralSecurityException {
    KeyStore store = emptyStore();
    Certificate[] chain = certificates(certificate).toArray(Certificate[]::new);
    store.setKeyEntry("own", privateKey(key), NO_PASSWORD, chain);
    var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory;
  }

  private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, NO_PASSWORD);
    return store;
  }

  private static Collection<? extends Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    Collection<? extends Certificate> all;
    try {
      all =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file)));
    } catch (GeneralSecurityException e) {
      throw new IOException(file + ": expected PEM certificates: " + e.getMessage(), e);
    }
    if (all.isEmpty()) {
      throw new IOException(file + ": expected PEM certificates, found none");
    }
    return all;
  }

  private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
    Matcher pem = KEY.matcher(new String(read(file), StandardCharsets.ISO_8859_1));
    if (!pem.find()) {
      throw new IOException(file + ": expected a PEM private key, found none");
    }
    byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
    switch (pem.group(1)) {
      case "" -> {}
      case "RSA " -> der = pkcs8(der);
      default ->
          throw new IOException(
              "%s: expected a PKCS#8 key, found '%sPRIVATE KEY' (openssl pkcs8 -topk8 -nocrypt turns it into one)"
                  .formatted(file, pem.group(1)));
    }
    for (String algorithm : List.of("RSA", "EC", "EdDSA")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
      } catch (InvalidKeySpecException e) {
        // Not a key of this algorithm: the next one.
      }
    }
    throw new IOException(file + ": expected an RSA, EC or EdDSA key");
  }

  /** Wraps an RSA key of PKCS#1. */
  private static byte[] pkcs8(byte[] rsa) {
    byte[] octets = tagged(0x04, rsa);
    byte[] inner = new byte[RSA_PREFIX.length + octets.length];
    System.arraycopy(RSA_PREFIX, 0, inner, 0, RSA_PREFIX.length);
    System.arraycopy(octets, 0, inner, RSA_PREFIX.length, octets.length);
    return tagged(0x30, inner);
  }

  private static byte[] tagged(int tag, byte[] content) {
    var out = new ByteArrayOutputStream();
    out.write(tag);
    if (content.length < 0x80) {
      out.write(content.length);
    } else if (content.length < 0x100) {
      out.write(0x81);
      out.write(content.length);
    } else {
      out.write(0x82); // keys are shorter than 64 KiB
      out.write(content.length >> 8);
      out.write(content.length & 0xff);
    }
    out.writeBytes(content);
    return out.toByteArray();
  }

  private static byte[] read(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_FILE + 1);
      if (bytes.length > MAX_FILE) {
        throw new IOException(file + ": expected at most " + MAX_FILE + " bytes");
      }
      return bytes;
    }
  }
}
