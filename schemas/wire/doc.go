// Package wire reads and builds Kafka's record batches (format 2) and the frames of its requests, as bytes. Records
// it yields alias the buffer they were read from. It opens no connection and knows no topic of kindred's.
package wire
