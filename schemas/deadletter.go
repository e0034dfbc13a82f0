package schemas

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kindred/schemas/wire"
)

// DeadLetter is a record that could not be read, with the reason. Message holds no value of a field and no customer id.
type DeadLetter struct {
	Topic     string // where it was found, with its prefix
	Partition int
	Offset    int64
	Stage     string // who refused it: LetterShard, ...
	Code      string // of a Malformed: NotJSON, WrongSchema, ...
	Message   string // for people
	At        time.Time
	Replays   int // how often it has been put back already

	Key, Value []byte       // byte for byte
	Headers    wire.Headers // its own, without those of the reason
}

// Values of DeadLetter.Stage: the part of kindred that refused the record.
const (
	LetterShard   = "shard"
	LetterControl = "control"
	LetterRoute   = "route"
)

const errorPrefix = "kindred.error."

// Letter makes a dead letter of a record. How often the record was replayed before is taken from its headers.
func Letter(topic string, partition int, r *wire.Record, stage, code, message string, at time.Time) DeadLetter {
	d := DeadLetter{
		Topic: topic, Partition: partition, Offset: r.Offset, Stage: stage, Code: code, Message: message, At: at,
		Key: r.Key, Value: r.Value, Headers: own(r.Headers),
	}
	if v, ok := r.Headers.Get(errorPrefix + "replays"); ok {
		d.Replays, _ = strconv.Atoi(string(v))
	}
	return d
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
	return wire.AppendHeaders(append(wire.Headers(nil), d.Headers...),
		header("topic", d.Topic),
		header("partition", strconv.Itoa(d.Partition)),
		header("offset", strconv.FormatInt(d.Offset, 10)),
		header("stage", d.Stage),
		header("code", d.Code),
		header("message", d.Message),
		header("at", d.At.UTC().Format(time.RFC3339Nano)),
		header("replays", strconv.Itoa(d.Replays)),
	)
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
		}
	}
	if d.Topic == "" && err == nil {
		err = fmt.Errorf("dead letter at offset %d: it does not say which topic it came from", r.Offset)
	}
	return d, err
}

// Replay returns the headers with which the record goes back to its topic: its own, and how often it was replayed.
func (d DeadLetter) Replay() wire.Headers {
	return wire.AppendHeaders(append(wire.Headers(nil), d.Headers...),
		wire.Header{Key: errorPrefix + "replays", Value: []byte(strconv.Itoa(d.Replays + 1))})
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
