// Package broker is how Kafka's brokers are reached: one pool of connections, one idea of where partitions live, requests
// with a deadline, one table of what Kafka's errors mean, and one way to ask again what may be answered better later.
//
// It promises that nothing waits for ever unless its caller says so, and that topics are never created by looking at them.
//
// It does not know what is read or written, nor what kindred's topics are called.
package broker
