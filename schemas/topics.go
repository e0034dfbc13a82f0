package schemas

// Names of the topics, without the prefix.
const (
	Profiles       = "profiles"
	Fields         = "fields"
	SegmentChanges = "segment-changes"
	ExpandRequests = "expand-requests"
	DataEvents     = "data-events"
	Memberships    = "memberships"
	Expansions     = "expansions"
	Segments       = "segments"
	Runs           = "runs"
	DeadLetters    = "dead-letters"
	SegmentMembers = "segment-members"
	Models         = "models"
	Settings       = "settings"

	MembershipChanges = "membership-changes" // there when serve has --changes
)

// Prefix begins the name of every topic, group, transactional id and Redis key of one installation.
type Prefix string

// Topic returns the full name of a topic.
func (p Prefix) Topic(name string) string { return string(p) + name }

// Topic is a topic as it must be. Names are without the prefix.
type Topic struct {
	Name       string
	Partitions int
	Config     map[string]string // what differs from the broker's defaults; only these are compared
}

const (
	hour      = "3600000"   // ms
	week      = "604800000" // ms
	eightDays = "691200000" // ms
	month     = "2592000000"

	// maxLag bounds how long the cleaner may leave a record alone that a newer one has replaced: so long an erased value may
	// stay in a topic, beside the time until its segment is closed.
	maxLag = "max.compaction.lag.ms"
)

// Topics returns all topics for a number of shards, in the order of the contract, but for Changes.
func Topics(shards int) []Topic {
	compact := func(name string, partitions int, more ...string) Topic {
		config := map[string]string{"cleanup.policy": "compact"}
		for i := 0; i < len(more); i += 2 {
			config[more[i]] = more[i+1]
		}
		return Topic{Name: name, Partitions: partitions, Config: config}
	}
	keep := func(name, milliseconds string) Topic {
		return Topic{Name: name, Partitions: 1, Config: map[string]string{
			"cleanup.policy": "delete", "retention.ms": milliseconds,
		}}
	}
	letters := keep(DeadLetters, "1209600000")
	letters.Config["max.message.bytes"] = "2097152" // the largest record of another topic, and why it is here
	return []Topic{
		compact(Profiles, shards, maxLag, week),
		compact(Fields, 1),
		keep(SegmentChanges, week),
		keep(ExpandRequests, week),
		keep(DataEvents, week),
		compact(Memberships, shards, "min.compaction.lag.ms", week, "delete.retention.ms", week, maxLag, eightDays),
		compact(Expansions, 1),
		compact(Segments, 1),
		keep(Runs, month),
		letters,
		compact(SegmentMembers, shards, "min.compaction.lag.ms", hour, maxLag, week),
		compact(Models, shards),
		compact(Settings, 1),
	}
}

// Changes returns membership-changes, which is there when the processes of a prefix have --changes.
func Changes(shards int) Topic {
	return Topic{Name: MembershipChanges, Partitions: shards, Config: map[string]string{
		"cleanup.policy": "delete", "retention.ms": month,
	}}
}
