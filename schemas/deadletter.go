package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kindred/schemas/wire"
)

// DeadLetter is a record that could not be read, with the reason. Message holds no value of a field and no customer id.
//
// A letter of a record that is too large for the dead-letters topic, or cannot be read at all, is not whole: it has no value,
// and perhaps no headers and a part of the key only. SHA256 and Size then say what the value was.
type DeadLetter struct {
	Topic     string // where it was found, with its prefix
	Partition int
	Offset    int64
	Stage     string // who refused it: LetterShard, ...
	Code      string // of a Malformed: NotJSON, WrongSchema, ...
	Message   string // for people
	At        time.Time
	Replays   int // how often it has been put back already

	Key, Value []byte       // byte for byte, in a letter that is whole
	Headers    wire.Headers // its own, without those of the reason

	Size   int64  // bytes of the value that is left out
	SHA256 string // of that value, in hexadecimal; empty: the letter is whole, or its batch could not be read
}

// LargestLetter bounds a dead letter as a whole, in bytes of its record: less than a broker takes of a batch by default, so
// that there is nothing that the dead-letters topic refuses.
const LargestLetter = 900_000

const (
	longestLetterKey     = 1000 // bytes of the key that are kept of a letter that is too large even without its value
	longestLetterMessage = 2000 // bytes
	recordOverhead       = 100  // bytes of a record and its batch beside key, value and headers; 61 of them are the batch's
)

// Values of DeadLetter.Stage: the part of kindred that refused the record.
const (
	LetterShard   = "shard"
	LetterControl = "control"
	LetterRoute   = "route"
)

const errorPrefix = "kindred.error."

// Letter makes a dead letter of a record, of at most LargestLetter bytes. How often the record was replayed before is taken
// from its headers.
func Letter(topic string, partition int, r *wire.Record, stage, code, message string, at time.Time) DeadLetter {
	d := DeadLetter{
		Topic: topic, Partition: partition, Offset: r.Offset, Stage: stage, Code: code, Message: message, At: at,
		Key: r.Key, Value: r.Value, Headers: own(r.Headers),
	}
	if v, ok := r.Headers.Get(errorPrefix + "replays"); ok {
		d.Replays, _ = strconv.Atoi(string(v))
	}
	d.bound()
	return d
}

// LetterOf makes a dead letter of what a reader had to pass over: an oversize record, which it still can name, or the rest of
// a corrupt batch.
func LetterOf(topic string, partition int, damage *wire.Damage, stage string, at time.Time) DeadLetter {
	if !errors.Is(damage, wire.ErrOversize) {
		d := Letter(topic, partition, &wire.Record{Offset: damage.Offset}, stage, CorruptBatch, damage.Err.Error(), at)
		if last := damage.Next - 1; last > damage.Offset {
			d.Message = fmt.Sprintf("%s; offsets up to %d are passed over", d.Message, last)
		}
		return d
	}
	d := Letter(topic, partition, &damage.Record, stage, TooLarge, damage.Err.Error(), at)
	d.Value, d.Size, d.SHA256 = nil, damage.Size, hex.EncodeToString(damage.Hash[:])
	return d
}

// Whole reports whether the letter holds its record byte for byte, so that it can go back to its topic.
func (d DeadLetter) Whole() bool { return d.SHA256 == "" && d.Code != CorruptBatch }

// bound leaves out of the letter what is too much: the value first, then the headers and the rest of the key.
func (d *DeadLetter) bound() {
	if len(d.Message) > longestLetterMessage {
		d.Message = strings.ToValidUTF8(d.Message[:longestLetterMessage], "")
	}
	if d.size() <= LargestLetter {
		return
	}
	hash := sha256.Sum256(d.Value)
	d.Value, d.Size, d.SHA256 = nil, int64(len(d.Value)), hex.EncodeToString(hash[:])
	if d.size() > LargestLetter {
		d.Headers, d.Key = nil, d.Key[:min(len(d.Key), longestLetterKey)]
	}
}

// size returns how many bytes the letter takes in a batch of its own, or a few less.
func (d *DeadLetter) size() int {
	return recordOverhead + len(d.Key) + len(d.Value) + len(d.AllHeaders())
}

// AppendTo adds the dead letter to a batch, with its time as timestamp.
func (d DeadLetter) AppendTo(b *wire.Builder) {
	b.Add(d.At.UnixMilli(), d.Key, d.Value, d.AllHeaders())
}

// AllHeaders returns the headers of the record in the dead-letters topic: the original's, then the reason.
func (d DeadLetter) AllHeaders() wire.Headers {
	header := func(name, value string) wire.Header {
		return wire.Header{Key: errorPrefix + name, Value: []byte(value)}
	}
	headers := wire.AppendHeaders(append(wire.Headers(nil), d.Headers...),
		header("topic", d.Topic),
		header("partition", strconv.Itoa(d.Partition)),
		header("offset", strconv.FormatInt(d.Offset, 10)),
		header("stage", d.Stage),
		header("code", d.Code),
		header("message", d.Message),
		header("at", d.At.UTC().Format(time.RFC3339Nano)),
		header("replays", strconv.Itoa(d.Replays)),
	)
	if d.SHA256 != "" {
		headers = wire.AppendHeaders(headers, header("size", strconv.FormatInt(d.Size, 10)), header("sha256", d.SHA256))
	}
	return headers
}

// ReadDeadLetter reads a record of the dead-letters topic. Key, value and headers alias the record's.
func ReadDeadLetter(r *wire.Record) (DeadLetter, error) {
	d := DeadLetter{Key: r.Key, Value: r.Value, Headers: own(r.Headers)}
	var err error
	number := func(name, text string) int64 {
		n, bad := strconv.ParseInt(text, 10, 64)
		if bad != nil && err == nil {
			err = fmt.Errorf("dead letter at offset %d: header %s%s is %q", r.Offset, errorPrefix, name, text)
		}
		return n
	}
	for key, value := range r.Headers.All() {
		name, reason := strings.CutPrefix(key, errorPrefix)
		if !reason {
			continue
		}
		switch text := string(value); name {
		case "topic":
			d.Topic = text
		case "partition":
			d.Partition = int(number(name, text))
		case "offset":
			d.Offset = number(name, text)
		case "stage":
			d.Stage = text
		case "code":
			d.Code = text
		case "message":
			d.Message = text
		case "at":
			d.At, _ = time.Parse(time.RFC3339Nano, text)
		case "replays":
			d.Replays = int(number(name, text))
		case "size":
			d.Size = number(name, text)
		case "sha256":
			d.SHA256 = text
		}
	}
	if d.Topic == "" && err == nil {
		err = fmt.Errorf("dead letter at offset %d: it does not say which topic it came from", r.Offset)
	}
	return d, err
}

// Replay returns the headers with which the record of a letter that is whole goes back to its topic: its own, how often it was
// replayed, and the offset of this letter in the dead-letters topic.
func (d DeadLetter) Replay(letter int64) wire.Headers {
	return wire.AppendHeaders(append(wire.Headers(nil), d.Headers...),
		wire.Header{Key: errorPrefix + "replays", Value: []byte(strconv.Itoa(d.Replays + 1))},
		wire.Header{Key: replayedLetter, Value: strconv.AppendInt(nil, letter, 10)})
}

const replayedLetter = errorPrefix + "letter"

// ReplayOf returns the offset of the dead letter that a record was put back from; false: it was not.
func ReplayOf(h wire.Headers) (letter int64, is bool) {
	text, is := h.Get(replayedLetter)
	if !is {
		return 0, false
	}
	letter, err := strconv.ParseInt(string(text), 10, 64)
	return letter, err == nil
}

// own returns the headers without those of an earlier dead letter.
func own(h wire.Headers) wire.Headers {
	var kept wire.Headers
	for key, value := range h.All() {
		if !strings.HasPrefix(key, errorPrefix) {
			kept = wire.AppendHeaders(kept, wire.Header{Key: key, Value: value})
		}
	}
	return kept
}
