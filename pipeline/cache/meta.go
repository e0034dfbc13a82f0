package cache

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"kindred/schemas"
)

// Meta is a shard's state as its owner last stored it, in the same transaction as the rows.
type Meta struct {
	// Invariant: offsets are never ahead of rows, segments and published states: what lies before them is in the cache, and
	// what it caused Kafka has acknowledged. The states may be ahead of the offsets.
	Offsets Offsets
	Through int64 // the next offset of segment-changes that the router will read, as far as the owner knows
	SavedAt int64 // ms since 1970 by the owner's clock, of the last save while it was caught up

	// Ready means that the cache is whole: it may be learned from and taken over.
	//
	// Invariant: it is false from the claim that begins a cache until the transaction that stores the last of it.
	Ready bool

	Expansions map[string]*Progress // by expansion

	// Topics are the ids of the inputs that Offsets are of, in the order of Offsets; empty: the owner did not know them.
	Topics []string

	// Changes names the log of changes that Offsets.Changes is of; empty: there is none, or it lacks something. Below that offset
	// the log says of everybody what the published states say.
	Changes string

	// What the mirror and the Writer know themselves; Snapshot does not look at it here.
	Segments    map[string]SegmentMeta
	Rows        int    // ever in use
	Width       int    // bytes of a row
	Token       string // of the claim that holds the cache; written by a claim only
	Incarnation string // of what the cache holds; written by a fresh claim only
	Counter     int64  // of transactions since then
	Revision    int64  // grows whenever rows, ids, dictionaries or fields change; 0: it is not known whether they have

	// Damaged is why the cache cannot be loaded: its meta is of another layout or cannot be read (then nothing else is set
	// here), or Load has found that some of it is missing. Empty: as far as is known, it can.
	Damaged string

	changesOf    int64  // Offsets.Memberships when Changes was written, which a build that knows no log of changes leaves as it was
	revised      int64  // the last Revision that was written
	revisedAt    int64  // Counter when it was, which a build that knows no revisions leaves as it was
	forms        uint64 // as Mirror.Forms
	published    map[string]publishedMeta
	models       map[string]int // size of each in bytes
	dictionaries []int          // values of each field's dictionary, by position
}

// Offsets are the next offsets to read of the shard's inputs.
type Offsets struct {
	Profiles       int64
	SegmentMembers int64
	Models         int64
	Memberships    int64
	Changes        int64 // means nothing without Meta.Changes
}

// Lacks returns what the shard has not seen yet of inputs that end at ends; empty: it has seen all of it. A shard without
// a meta has seen nothing.
func (m *Meta) Lacks(ends *schemas.Ends, shard int) string {
	behind := func(what string, next, end int64) string { return fmt.Sprintf("%s at %d of %d", what, next, end) }
	switch {
	case m == nil || !m.Ready:
		return "its cache is not ready"
	case m.Through < ends.SegmentChanges:
		return behind("segment changes", m.Through, ends.SegmentChanges)
	case shard < len(ends.Profiles) && m.Offsets.Profiles < ends.Profiles[shard]:
		return behind("profiles", m.Offsets.Profiles, ends.Profiles[shard])
	case shard < len(ends.Memberships) && m.Offsets.Memberships < ends.Memberships[shard]:
		return behind("memberships", m.Offsets.Memberships, ends.Memberships[shard])
	}
	return ""
}

// Progress is how far the pass of an expansion's last model has got in this shard, and what it has changed so far.
type Progress struct {
	Epoch    int64        `json:"epoch"`
	RunID    string       `json:"runId"`
	PassDone int          `json:"passDone"` // blocks
	PassOf   int          `json:"passOf"`   // equal when the pass is over
	Entered  int64        `json:"entered"`  // membership records of the run, as acknowledged or read back
	Left     int64        `json:"left"`
	Changed  int64        `json:"changed"`
	Members  [Bands]int64 `json:"members"` // by band, now
}

// SegmentMeta is what a shard knows of a segment beside its members.
type SegmentMeta struct {
	Number int64  `json:"number"` // of the snapshot that counts; 0: none
	Gone   bool   `json:"gone"`
	Freed  bool   `json:"freed,omitempty"` // gone, and nobody knows any more who was in it
	Size   int64  `json:"size"`            // customers of this shard
	Flips  int64  `json:"flips"`           // how often one of them has entered or left it so far
	Chunks []byte `json:"chunks"`          // which chunks of its bitmap there are
}

// publishedMeta is what is published of an expansion: enough to see whether anything is missing.
type publishedMeta struct {
	Members [Bands]int64 `json:"members"`
	Unknown int64        `json:"unknown"`
	Blocks  []byte       `json:"blocks"` // which blocks there are
}

// The fields of the hash. Those that belong to a segment or an expansion begin with a letter and a colon.
const (
	metaLayout       = "layout"
	metaToken        = "token"
	metaIncarnation  = "incarnation"
	metaCounter      = "counter"
	metaReady        = "ready"
	metaRows         = "rows"
	metaWidth        = "width"
	metaThrough      = "through"
	metaForms        = "forms"
	metaRevision     = "revision"
	metaRevisedAt    = "revisedAt"
	metaDictionaries = "dictionaries"
	metaTopics       = "topics"
	metaSavedAt      = "savedAt"
	metaProfiles     = "o:profiles"
	metaMembers      = "o:segment-members"
	metaModels       = "o:models"
	metaMemberships  = "o:memberships"
	metaChangesAt    = "o:membership-changes"
	metaChanges      = "changes"
	metaChangesOf    = "changesOf"

	metaSegment   = "s:"
	metaExpansion = "e:"
	metaPublished = "p:"
	metaModel     = "m:"
)

// metaOf reads the hash; nil: there is none. A meta that this build cannot use is no error, which would only be met again:
// it is damage, and the shard is rebuilt.
func metaOf(hash map[string]string, known *parts) *Meta {
	known.trim(hash)
	if len(hash) == 0 {
		return nil
	}
	if why := otherLayout(hash); why != "" {
		return &Meta{Damaged: why}
	}
	m, err := parseMeta(hash, known)
	if err != nil {
		return &Meta{Damaged: err.Error()}
	}
	return m
}

// parseMeta reads the hash. With an error it returns what could be read nevertheless.
func parseMeta(hash map[string]string, known *parts) (*Meta, error) {
	m := &Meta{
		Expansions: map[string]*Progress{},
		Segments:   map[string]SegmentMeta{},
		published:  map[string]publishedMeta{},
		models:     map[string]int{},
	}
	var failed error
	first := "" // of the fields that cannot be read, by name
	for name, value := range hash {
		if err := m.set(name, value, known); err != nil && (failed == nil || name < first) {
			first, failed = name, fmt.Errorf("read meta's %s: %w", name, err)
		}
	}
	if m.changesOf != m.Offsets.Memberships {
		m.Changes = ""
	}
	if m.revisedAt == m.Counter {
		m.Revision = m.revised
	}
	return m, failed
}

// Bounds of the numbers in a meta, so that a damaged one cannot ask for more memory than there is.
const (
	mostRows  = math.MaxInt32
	mostModel = 512 << 20 // the longest string of Redis
)

var mostWidth = widthFor(mostFields, mostFields)

func count(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > most {
		return 0, fmt.Errorf("%d is not between 0 and %d", n, most)
	}
	return n, nil
}

func (m *Meta) set(name, value string, known *parts) (err error) {
	integer := func(to *int64) { *to, err = strconv.ParseInt(value, 10, 64) }
	switch name {
	case metaToken:
		m.Token = value
	case metaIncarnation:
		m.Incarnation = value
	case metaReady:
		m.Ready = value == "1"
	case metaCounter:
		integer(&m.Counter)
	case metaRows:
		m.Rows, err = count(value, mostRows)
	case metaWidth:
		m.Width, err = count(value, mostWidth)
	case metaTopics:
		m.Topics, err = parse[[]string](known, name, value)
	case metaDictionaries:
		m.dictionaries, err = parse[[]int](known, name, value)
	case metaForms:
		m.forms, err = strconv.ParseUint(value, 10, 64)
	case metaRevision:
		integer(&m.revised)
	case metaRevisedAt:
		integer(&m.revisedAt)
	case metaThrough:
		integer(&m.Through)
	case metaSavedAt:
		integer(&m.SavedAt)
	case metaProfiles:
		integer(&m.Offsets.Profiles)
	case metaMembers:
		integer(&m.Offsets.SegmentMembers)
	case metaModels:
		integer(&m.Offsets.Models)
	case metaMemberships:
		integer(&m.Offsets.Memberships)
	case metaChangesAt:
		integer(&m.Offsets.Changes)
	case metaChanges:
		m.Changes = value
	case metaChangesOf:
		integer(&m.changesOf)
	default:
		return m.setNamed(name, value, known)
	}
	return err
}

func (m *Meta) setNamed(name, value string, known *parts) (err error) {
	if len(name) < 2 {
		return nil // of a later build
	}
	kind, id := name[:2], name[2:]
	switch kind {
	case metaSegment:
		m.Segments[id], err = parse[SegmentMeta](known, name, value)
	case metaExpansion:
		p := new(Progress) // its own: an owner counts on in the meta that it has read
		*p, err = parse[Progress](known, name, value)
		m.Expansions[id] = p
	case metaPublished:
		m.published[id], err = parse[publishedMeta](known, name, value)
	case metaModel:
		m.models[id], err = count(value, mostModel)
	}
	return err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
