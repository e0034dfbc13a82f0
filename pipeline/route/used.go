package route

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// What a segment remembers of its snapshots that counted, oldest first, so that an id names one of them for ever: six bytes of
// a hash of the id, three with the number of its parts (0: its content is not known), and two for each part. The oldest are
// forgotten when there is no more room: about 12,000 of one part, or 65 of a thousand. Of a snapshot in more than a thousand
// parts, what came in the first thousand is remembered.
const (
	mostUsed      = 128 << 10 // bytes
	usedHeader    = 9
	usedContent   = 2
	mostUsedParts = 1000
)

// content is a hash of who is named in a part, in whatever order and however often.
type content uint16

func contentOf(members []string) content {
	hashes := make([]uint64, len(members))
	for i, member := range members {
		hashes[i] = xxhash.Sum64String(member)
	}
	slices.Sort(hashes)
	var sum uint64
	for _, hash := range slices.Compact(hashes) {
		sum += hash
	}
	return content(sum >> 48)
}

// usedID returns the hash of a snapshot's id, with which what is remembered of it begins.
func usedID(snapshot string) [usedHeader - 3]byte {
	var hash [8]byte
	binary.BigEndian.PutUint64(hash[:], xxhash.Sum64String(snapshot))
	return [usedHeader - 3]byte(hash[:])
}

// cutUsed splits what is remembered after the first snapshot.
func cutUsed(used []byte) (id [usedHeader - 3]byte, parts int, contents, rest []byte, ok bool) {
	if len(used) < usedHeader {
		return id, 0, nil, nil, false
	}
	id = [usedHeader - 3]byte(used)
	parts = int(used[6])<<16 | int(used[7])<<8 | int(used[8])
	used = used[usedHeader:]
	size := usedContent * min(parts, mostUsedParts)
	if len(used) < size {
		return id, 0, nil, nil, false
	}
	return id, parts, used[:size], used[size:], true
}

// repeats reports whether a part is of a snapshot that counted, as far as is remembered, and whether it is the same as it was.
func repeats(used []byte, c *schemas.SegmentChange) (same, known bool) {
	for want := usedID(c.Snapshot); ; {
		id, parts, contents, rest, ok := cutUsed(used)
		switch {
		case !ok:
			return false, false
		case id != want:
			used = rest
			continue
		case parts == 0 || parts == c.Parts && c.Part > mostUsedParts:
			return true, true
		case parts != c.Parts:
			return false, true
		}
		was := binary.BigEndian.Uint16(contents[usedContent*(c.Part-1):])
		return content(was) == contentOf(c.Members), true
	}
}

// appendUsed adds a snapshot that counts now. A nil map of contents: they are not known. It returns a new slice.
func appendUsed(used []byte, open *schemas.OpenSnapshot, contents map[int]content) []byte {
	id, parts := usedID(open.Snapshot), open.Parts
	if contents == nil {
		parts = 0
	}
	added := append(id[:], byte(parts>>16), byte(parts>>8), byte(parts))
	for part := range min(parts, mostUsedParts) {
		added = binary.BigEndian.AppendUint16(added, uint16(contents[part+1]))
	}
	for len(used)+len(added) > mostUsed {
		_, _, _, rest, ok := cutUsed(used)
		if !ok {
			rest = nil
		}
		used = rest
	}
	return slices.Concat(used, added)
}

// withRecent adds the ids of snapshots that an earlier build has remembered, without their contents.
func withRecent(used []byte, recent []string) []byte {
	for _, snapshot := range recent {
		if _, known := repeats(used, &schemas.SegmentChange{Snapshot: snapshot, Part: 1}); !known {
			used = appendUsed(used, &schemas.OpenSnapshot{Snapshot: snapshot}, nil)
		}
	}
	return used
}

// readContents makes known what the parts of the open snapshot hold that have come before an offset. They are read again once in
// a term, if at all: a part that comes twice is rare. One that was deleted meanwhile counts as empty; its snapshot cannot be
// completed anyway.
func (t *term) readContents(ctx context.Context, s *segment, before int64) error {
	if s.contents != nil {
		return nil
	}
	contents, parts := map[int]content{}, distinctParts(s.Open)
	err := t.since(ctx, s.SegmentID, s.Open.First, before, func(c *schemas.SegmentChange) error {
		if parts.first(c) {
			contents[c.Part] = contentOf(c.Members)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the parts of a snapshot again that began at offset %d: %w", s.Open.First, err)
	}
	s.contents = contents
	return nil
}

// reuse makes a dead letter of a part that names other members than a part of the same number did under the same snapshot id.
func (t *term) reuse(r *wire.Record, c *schemas.SegmentChange) {
	t.reject(r, &schemas.Malformed{Code: schemas.SnapshotReused, Message: fmt.Sprintf(
		"part %d of %d has other members than this snapshot id has named before; publish all of it under another snapshot id", c.Part, c.Parts)})
}
