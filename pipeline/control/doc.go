// Package control is the state machine of the expansions: it takes requests in, gives each expansion its turn, has a
// model learned, commits it, and reports how the run went.
//
// It promises that every request which can be read ends as exactly one run in a final status, whatever crashes: a
// request's place in the queue and the offset it was read at are one transaction, and so are a model, the record of
// its expansion and every result. Before the commit of a run, failing or cancelling changes nothing; after it, the run
// is finished. A run that waits holds up only what needs the same. The same requests in the same order give the same decisions:
// these are pure functions, which decide.go, turns.go, chains.go, transitions.go, triggers.go,
// schedule.go, sourcechange.go and segments.go hold.
//
// It does not know how weights are found, who is a member of what, or how records and offsets get to Kafka. It learns
// from the caches of the shards, and only from those that are whole.
package control
