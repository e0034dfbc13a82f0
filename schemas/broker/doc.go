// Package broker reaches Kafka's brokers: one pool of connections, one layout of the cluster, requests with a deadline, one
// table of what Kafka's errors mean, and one way to try again what may succeed later.
//
// It promises that nothing waits for ever unless its caller asks for that, and that looking at a topic never creates it.
//
// It does not know what is read or written, nor what kindred's topics are called.
package broker
