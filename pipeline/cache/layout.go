package cache

import (
	"fmt"
	"strconv"
)

// Layout is the number of the form in which this build keeps a cache in Redis. A claim that begins a cache writes it into
// the meta, and a cache with another number, or with none, is never read: its shard is rebuilt from Kafka. Raise it with
// every change that would make a build of the number before misread a cache, or lose track of some of its keys:
//
//   - the keys (keys.go) and the Redis type of each value,
//   - the fields of the meta and their JSON (meta.go), of the hash of fields and of the dictionaries,
//   - the length of a block (BlockRows) and of a chunk of a bitmap (chunkRows), and the order of the bits in it,
//   - a row: flags, codes, places of the numbers (rows.go), and how a number is rounded (format.Key),
//   - the slots of ids, what the codes 0 and 255 mean, and the canonical JSON of a value (schemas.AppendCanonical),
//   - how a published state is packed (State).
//
// What is inside a model is not covered: the cache keeps it as it was read from Kafka.
const Layout = 3

// otherLayout returns the reason why a meta is not of this build's layout; empty: it is.
func otherLayout(hash map[string]string) string {
	number, ok := hash[metaLayout]
	if !ok {
		number = "none"
	}
	if number == strconv.Itoa(Layout) {
		return ""
	}
	return fmt.Sprintf("another layout (%.20s, this build keeps %d)", number, Layout)
}
