// Package consumers brings events in: membership of a group and with it the shards, fetching, committed offsets, the
// ends of partitions. It promises that a reader sees committed records only, that every record between two offsets is
// seen or known to be gone, and that only the present members of a group move its offsets.
//
// It does not know what records mean. All requests are sent by kafka-go's Transport (its connections, its TLS and SASL),
// but most are encoded here: kafka-go's own Reader cannot be trusted with compacted or aborted data, its heartbeats do not
// find the coordinator, and it has no way to read offsets that wait for a transaction.
package consumers
