package dev.obd.registry;

/**
 * A manifest or index as stored: its descriptor and its bytes, which match the descriptor's digest.
 */
@SuppressWarnings("ArrayRecordComponent") // identity is the descriptor; nobody compares documents
public record Document(Descriptor descriptor, byte[] bytes) {}
