// Package shard owns one shard of the customers: it reads the shard's four inputs (profiles, segment members, models
// and the memberships it has published itself), keeps its cache, works out who should be a member of each expansion,
// and publishes the difference to what was published last.
//
// It promises that after any crash, restart or hand-over the memberships topic converges to what the inputs say; that
// it saves nothing in the cache before Kafka has acknowledged what that caused; and that it publishes nothing before it
// has read all that was there when it took over. It never removes a member because something is absent: only inputs decide.
//
// It does not know how a model is learned, which expansions exist beyond their models, or who else owns shards.
package shard
