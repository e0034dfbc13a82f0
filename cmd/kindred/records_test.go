package main

import (
	"bytes"
	"io/fs"
	"path"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// published are the topics that kindred itself writes and others read, each with the name of its JSON Schema.
var published = map[string]string{
	schemas.Runs: "run", schemas.Expansions: "expansion", schemas.Segments: "segment",
	schemas.Memberships: "membership", schemas.MembershipChanges: "membership-change",
}

// eventSchemas are the JSON Schemas of all events, by name.
var eventSchemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	compiler, compiled := jsonschema.NewCompiler(), map[string]*jsonschema.Schema{}
	compiler.AssertFormat()
	files, _ := fs.Glob(schemas.Documents, "json/*.schema.json")
	for _, file := range files {
		text, _ := fs.ReadFile(schemas.Documents, file)
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			err = compiler.AddResource("file:///"+path.Base(file), parsed)
		}
		if err != nil {
			panic(err)
		}
	}
	for _, name := range published {
		compiled[name] = compiler.MustCompile("file:///" + name + ".schema.json")
	}
	return compiled
})

// mostValidated bounds how many records of a partition are looked at: those of one topic are much alike.
const mostValidated = 500

// everyRecordIsAsItsSchemaSays looks at the records that kindred has written in a world, and counts them by schema. Those of other
// writers, which a test lets make mistakes, have no headers of CloudEvents.
func (w *world) everyRecordIsAsItsSchemaSays() map[string]int {
	w.Helper()
	seen := map[string]int{}
	if w.gone {
		return seen
	}
	for topic, name := range published {
		partitions, err := w.kafka.cluster.Partitions(w.Ctx, w.kafka.prefix.Topic(topic))
		if err != nil {
			return seen
		}
		for partition := range partitions {
			at := consumers.Position{Topic: w.kafka.prefix.Topic(topic), Partition: partition}
			starts, err := w.kafka.fetcher.Starts(w.Ctx, []consumers.Position{at})
			if err != nil {
				return seen
			}
			ends, err := w.kafka.fetcher.Ends(w.Ctx, []consumers.Position{at})
			if err != nil {
				return seen
			}
			at.Offset = max(starts[0], ends[0]-mostValidated)
			_ = w.kafka.readReadable(w.Ctx, at, ends[0], func(r *wire.Record) error {
				if _, ours := r.Headers.Get(schemas.HeaderSpecVersion); !ours || r.Value == nil {
					return nil
				}
				seen[name]++
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Value))
				if err == nil {
					err = eventSchemas()[name].Validate(value)
				}
				if err != nil {
					w.Errorf("the record at %s %d/%d is not as its JSON Schema says: %v\n%.1000s", topic, partition, r.Offset, err, r.Value)
				}
				return nil
			})
		}
	}
	return seen
}
