// Package producers brings events to Kafka: record batches of an idempotent producer, transactions, and the topics they
// go to.
//
// It promises that a batch is appended once: a resend carries the same bytes and the same sequence number, so that the
// broker knows it; where that cannot be told any more, it says so (ErrAbandoned) and never sends it again. It refuses
// to know what an event means, in which order events must be and who may write where.
package producers
