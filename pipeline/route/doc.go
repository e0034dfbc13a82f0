// Package route brings segment changes to the shards of their customers: a change becomes one record per customer on
// segment-members, in the partition of that customer's shard; a snapshot does so once all its parts have come.
//
// It promises that every change counts exactly once, in the order of segment-changes: what it writes, what it must
// remember (in the topic segments) and how far it has read are one transaction. After a crash, the router that takes
// over goes on as if nothing had happened.
//
// It does not know what segments are used for, which of them are sources, and what a profile is.
package route
