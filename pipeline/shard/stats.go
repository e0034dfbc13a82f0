package shard

import (
	"sync/atomic"

	"kindred/schemas"
)

// Names of what Stats count, in the same order.
var (
	Inputs = [alwaysRead]string{schemas.Profiles, schemas.SegmentMembers, schemas.Models, schemas.Memberships}
	Kinds  = [len(kinds)]string{"entered", "left", "changed"}
)

// Stats count what the owners of a process have done since it started.
type Stats struct {
	Applied   [alwaysRead]atomic.Int64 // records, by input
	Published [len(kinds)]atomic.Int64 // memberships acknowledged, by kind
	Saves     atomic.Int64
	Restarts  atomic.Int64 // of owners that had stopped with an error
	Latency   Latency

	JSONKeys atomic.Int64 // profiles whose key is JSON: see schemas.IsJSONKey

	Letter  func(topic, code string) // is told of each dead letter; nil: nobody is
	Unknown func(names [][]byte)     // is told of the properties of a profile that mean nothing; nil: nobody is
}
