// Package config holds the settings of the kindred command: what they are called, where a value comes from (a flag,
// else a KINDRED_ variable, else the default), which values make sense together, and the client of Kafka that they
// describe. It prints nothing.
package config
