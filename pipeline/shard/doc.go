// Package shard owns one shard of the customers: it reads the shard's inputs (profiles, segment members, models and what
// it has published itself), keeps its cache, works out who should be a member of each expansion, and publishes the
// difference to what was published last, to memberships and, if it is asked to, to membership-changes.
//
// It promises that after any crash, restart or hand-over both topics converge to what the inputs say; that
// it saves nothing in the cache before Kafka has acknowledged what that caused; and that it publishes nothing before it
// has read all that was there when it took over. It never removes a member because something is absent: only inputs decide.
//
// It does not know how a model is learned, which expansions exist beyond their models, or who else owns shards.
package shard
