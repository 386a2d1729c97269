package io.finestream.flink;

/** A Kafka record as it is to be written, encoded: for topics that carry records of several kinds. */
public record KeyedRecord(byte[] key, byte[] value) {}
