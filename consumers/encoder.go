package consumers

import (
	"encoding/binary"

	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// encoder writes a request: its methods append in the order of the protocol.
type encoder struct{ b []byte }

// begin starts a request; finish must follow.
func begin(key protocol.ApiKey, version int16) *encoder {
	return &encoder{b: broker.BeginRaw(key, version)}
}

func (e *encoder) finish() []byte {
	wire.FinishRequest(e.b)
	return e.b
}

func (e *encoder) i8(v int8)         { e.b = append(e.b, byte(v)) }
func (e *encoder) i16(v int16)       { e.b = binary.BigEndian.AppendUint16(e.b, uint16(v)) }
func (e *encoder) i32(v int32)       { e.b = binary.BigEndian.AppendUint32(e.b, uint32(v)) }
func (e *encoder) i64(v int64)       { e.b = binary.BigEndian.AppendUint64(e.b, uint64(v)) }
func (e *encoder) str(s string)      { e.b = wire.AppendString(e.b, s) }
func (e *encoder) nullable(s string) { e.b = wire.AppendNullable(e.b, s) } // empty becomes null
func (e *encoder) bytes(b []byte)    { e.i32(int32(len(b))); e.b = append(e.b, b...) }

// What follows is of flexible versions.

func (e *encoder) length(n int)        { e.b = wire.AppendCompactLength(e.b, n) }
func (e *encoder) compactStr(s string) { e.b = wire.AppendCompactString(e.b, s) }
func (e *encoder) noTags()             { e.b = wire.AppendNoTags(e.b) }

func (e *encoder) uuid(id [16]byte) { e.b = append(e.b, id[:]...) }

// eachTopic writes the array of topics with their partitions that so many requests have; partition writes an element of
// the inner array. The positions of a topic must be next to each other.
func (e *encoder) eachTopic(of []Position, partition func(Position)) {
	e.i32(int32(countTopics(of)))
	for len(of) > 0 {
		n := sameTopic(of)
		e.str(of[0].Topic)
		e.i32(int32(n))
		for _, p := range of[:n] {
			partition(p)
		}
		of = of[n:]
	}
}

// eachTopicByID is eachTopic in a flexible version that names topics by their ids.
func (e *encoder) eachTopicByID(of []Position, ids map[string]broker.TopicID, partition func(Position)) {
	e.length(countTopics(of))
	for len(of) > 0 {
		n := sameTopic(of)
		e.uuid(ids[of[0].Topic])
		e.length(n)
		for _, p := range of[:n] {
			partition(p)
			e.noTags()
		}
		e.noTags()
		of = of[n:]
	}
}

// sameTopic returns how many of the positions, from the first one on, are of one topic.
func sameTopic(of []Position) (n int) {
	for n < len(of) && of[n].Topic == of[0].Topic {
		n++
	}
	return n
}

func countTopics(of []Position) (n int) {
	for ; len(of) > 0; n++ {
		of = of[sameTopic(of):]
	}
	return n
}
