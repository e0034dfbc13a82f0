// Package testkit is what the tests of several packages share: a Kafka in the process, an installation of kindred on it whose
// transactions can be broken, and made-up customers.
//
// Nothing but tests may import it.
package testkit
