// Package producers brings events to Kafka: record batches of an idempotent producer, transactions, and the topics they
// go to.
//
// It promises that a batch is appended once: a resend carries the same bytes and the same sequence number, by which the
// broker recognizes it. Where it cannot be known any more whether a batch was appended, the error is ErrAbandoned and the
// batch is never sent again. The package refuses to know what an event means, in which order events must be and who may
// write where.
package producers
