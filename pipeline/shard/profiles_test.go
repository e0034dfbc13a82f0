package shard_test

import (
	"bytes"
	"slices"
	"testing"

	"kindred/pipeline/shard"
	"kindred/schemas"
)

// Taken for a profile without fields, these would take ann out.
func TestAProfileOfAnUnknownShapeChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	w.profile("ann", "Oslo")
	w.model("x", 1, 5000, "Oslo")
	say := func(value string) { w.write(w.topic(schemas.Profiles), 0, "ann", []byte(value)) }
	for _, value := range []string{`{}`, `{"customerId":"ann"}`, `{"customerId":"ann","fields":null}`, `{"customerId":"ann","City":"Bergen"}`,
		`{"userId":"ann","traits":{"City":"Bergen"}}`, `{"schema":null,"payload":{"City":"Bergen"}}`,
		`{"before":null,"after":{"customerId":"ann","City":"Bergen"},"op":"u"}`, "\x00\x00\x00\x00\x01\x06ann"} {
		say(value)
	}
	w.check("she stays as she was")
	if n := w.end(w.topic(schemas.DeadLetters), 0); n != 8 {
		t.Errorf("%d dead letters, want 8", n)
	}
	say(`{"schema":null,"payload":{"customerId":"ann","fields":{"City":"Bergen"},"profiling":null}}`)
	w.profiles["ann"].city = "Bergen"
	w.check("an envelope is opened")
}

func TestErasuresByWord(t *testing.T) {
	w := newWorld(t)
	w.run()
	defer func() { w.stop() }()
	w.model("x", 1, 5000, "Oslo")
	for id, value := range map[string]string{
		"ann": `null`, "bob": `{"before":{"customerId":"bob"},"after":null,"op":"d"}`, "cat": `{"schema":{},"payload":null}`,
		"dan": `{"specversion":"1.0","id":"1","source":"crm","type":"profile","data":null}`,
	} {
		w.profile(id, "Oslo")
		w.write(w.topic(schemas.Profiles), 0, id, []byte(value))
		delete(w.profiles, id)
	}
	w.profile("eve", "Oslo")
	w.check("only she is left")
	if n := w.end(w.topic(schemas.DeadLetters), 0); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestRowsAreProfilesWhereTheyAreFlat(t *testing.T) {
	w := newWorld(t)
	newOwner := w.worker.New
	w.worker.New = func(p int) *shard.Owner {
		o := newOwner(p)
		o.Flat = true
		return o
	}
	w.run()
	defer func() { w.stop() }()
	w.model("x", 1, 5000, "Oslo")
	say := func(id, value string) { w.write(w.topic(schemas.Profiles), 0, id, []byte(value)) }
	say("ann", `{"customerId":"ann","City":"Oslo","Age":3}`)
	say("bob", `{"before":null,"after":{"City":"Oslo","Age":3,"profiling":null},"op":"r"}`)
	say("cat", `{"City":"Oslo","profiling":false}`)
	w.profiles["ann"], w.profiles["bob"], w.profiles["cat"] = &person{city: "Oslo"}, &person{city: "Oslo"}, &person{refuse: true}
	w.profile("dan", "Oslo") // as kindred writes it
	w.check("rows are profiles")
}

// What is strange and can be read is counted: properties that mean nothing, and keys that a converter has made JSON of.
func TestWhatIsStrangeInProfilesIsCounted(t *testing.T) {
	w := newWorld(t)
	var unknown []string
	newOwner := w.worker.New
	w.worker.New = func(p int) *shard.Owner {
		o := newOwner(p)
		o.Stats.Unknown = func(names [][]byte) { unknown = append(unknown, string(bytes.Join(names, []byte(" ")))) }
		return o
	}
	w.run()
	say := func(id, value string) { w.write(w.topic(schemas.Profiles), 0, id, []byte(value)) }
	say("ann", `{"fields":{},"shares":1,"x":[]}`)
	say(`"ann"`, `{"fields":{}}`)
	say(`{"id":"ann"}`, `{"fields":{}}`)
	say(`"ann"`, `{"customerId":"ann","fields":{}}`) // a dead letter, which is counted, too
	say(`"`, `{"fields":{}}`)
	w.settle()
	w.stop()
	if n := w.owner.Stats.JSONKeys.Load(); n != 3 || !slices.Equal(unknown, []string{"shares x"}) {
		t.Errorf("%d keys are JSON, and unknown are %q", n, unknown)
	}
	letters := bytes.Join(w.log(w.topic(schemas.DeadLetters), 0).batches, nil)
	if !bytes.Contains(letters, []byte("StringConverter")) {
		t.Errorf("the dead letter says %q", letters)
	}
}
