package dev.obd.testdata;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;

/**
 * A fresh P-256 key with a self-signed certificate, and JSON web tokens (ES256) signed with it. The
 * JDK makes keys and signatures but no certificates, so the certificate's few DER fields (RFC 5280
 * §4.1) are put together here.
 */
final class SigningKey {
  private static final byte[] ECDSA_WITH_SHA256 =
      tag(0x30, bytes(0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02));
  private static final DateTimeFormatter UTC_TIME =
      DateTimeFormatter.ofPattern("yyMMddHHmmss'Z'").withZone(ZoneOffset.UTC);

  private final KeyPair key;
  private final byte[] certificate;

  SigningKey(String commonName) {
    try {
      var generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      key = generator.generateKeyPair();
      certificate = selfSigned(commonName, Instant.now());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The certificate in PEM. */
  String certificatePem() {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate)
        + "\n-----END CERTIFICATE-----\n";
  }

  /** {@code claims} (a JSON object) as a signed token that carries the certificate. */
  String sign(String claims) {
    String header =
        "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"x5c\":[\""
            + Base64.getEncoder().encodeToString(certificate)
            + "\"]}";
    String signed = base64Url(utf8(header)) + "." + base64Url(utf8(claims));
    try {
      return signed + "." + base64Url(signature("SHA256withECDSAinP1363Format", utf8(signed)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private byte[] selfSigned(String commonName, Instant now) throws GeneralSecurityException {
    byte[] cn = concat(bytes(0x06, 3, 0x55, 0x04, 0x03), tag(0x0C, utf8(commonName)));
    byte[] name = tag(0x30, tag(0x31, tag(0x30, cn)));
    byte[] validity =
        tag(
            0x30,
            concat(
                tag(0x17, utf8(UTC_TIME.format(now.minusSeconds(86_400)))),
                tag(0x17, utf8(UTC_TIME.format(now.plusSeconds(7 * 86_400))))));
    byte[] toBeSigned =
        tag(
            0x30,
            concat(
                bytes(0xA0, 3, 0x02, 1, 2), // version 3
                bytes(0x02, 1, 1), // serial number
                ECDSA_WITH_SHA256,
                name,
                validity,
                name,
                key.getPublic().getEncoded()));
    byte[] signature = concat(bytes(0), signature("SHA256withECDSA", toBeSigned));
    return tag(0x30, concat(toBeSigned, ECDSA_WITH_SHA256, tag(0x03, signature)));
  }

  private byte[] signature(String algorithm, byte[] content) throws GeneralSecurityException {
    var signer = Signature.getInstance(algorithm);
    signer.initSign(key.getPrivate());
    signer.update(content);
    return signer.sign();
  }

  private static byte[] tag(int tag, byte[] content) {
    int n = content.length;
    byte[] head =
        n < 128
            ? bytes(tag, n)
            : n < 256 ? bytes(tag, 0x81, n) : bytes(tag, 0x82, n >> 8, n & 0xFF);
    return concat(head, content);
  }

  private static byte[] concat(byte[]... parts) {
    var all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] bytes(int... values) {
    var all = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      all[i] = (byte) values[i];
    }
    return all;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String base64Url(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
