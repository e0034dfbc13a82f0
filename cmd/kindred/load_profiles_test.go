package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kindred/cmd/internal/table"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// load prepares a load of a table into one partition.
func load(t *testing.T, p *program, c *connection, text string) *publication {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := table.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &loading{Table: table.Table{Input: in, ID: "id"}}
	if err := l.look(p); err != nil {
		t.Fatal(err)
	}
	return &publication{program: p, connection: c, loading: l, batch: "load-1"}
}

// last returns the last value of every key of the profiles.
func last(t *testing.T, c *connection) map[string]string {
	t.Helper()
	values := map[string]string{}
	err := c.read(context.Background(), schemas.Profiles, func(r *wire.Record) error {
		values[string(r.Key)] = string(r.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestAProfileThatIsLoadedIsACloudEvent(t *testing.T) {
	p, c := onEmbedded(t, 1)
	if err := load(t, p, c, "id,a\nx,1\ny,2\n").run(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	err := c.read(t.Context(), schemas.Profiles, func(r *wire.Record) error {
		get := func(key string) string { value, _ := r.Headers.Get(key); return string(value) }
		if _, err := time.Parse(time.RFC3339Nano, get(schemas.HeaderTime)); err != nil {
			t.Error(err)
		}
		if get(schemas.HeaderType) != schemas.TypeProfile || get(schemas.HeaderSubject) != string(r.Key) ||
			get(schemas.HeaderSpecVersion) != "1.0" || get(schemas.HeaderSource) != "kindred" || get(schemas.HeaderContentType) != "application/json" {
			t.Errorf("the headers of %s are not those of a profile", r.Key)
		}
		ids[get(schemas.HeaderID)] = true
		return nil
	})
	if err != nil || !ids["load-1/1"] || !ids["load-1/2"] {
		t.Errorf("the ids are %v, %v", ids, err)
	}
}

// A column that is missing, or has another name, takes a field from everybody at once.
func TestColumnsThatAreMissingAreTold(t *testing.T) {
	p, c := onEmbedded(t, 2)
	table := func(header string, rows int) string {
		text := "id," + header + "\n"
		for i := range rows {
			text += fmt.Sprintf("%d,a,b\n", i)
		}
		return text
	}
	publish := func(text string) {
		t.Helper()
		if err := load(t, p, c, text).run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	told := func(header, want string) {
		t.Helper()
		findings, err := load(t, p, c, table(header, 1)).lost(t.Context())
		if got := fmt.Sprint(findings); err != nil || want == "" && len(findings) > 0 || !strings.Contains(got, want) {
			t.Errorf("%s: %s, %v, want %q", header, got, err, want)
		}
	}
	told("City,Plan", "")
	publish(table("City,Plan", 10))
	told("Town,Plan", "") // so few say nothing
	publish(table("City,Plan", 100))
	publish(table("City,Other", 5))
	told("City,Plan", "") // few have the other one
	told("Plan,More", `column "City"`)
	told("Town,Tariff", `columns "City", "Plan"`)
}

// TestConsentIsKeptWhereProfilesAreRows: a connector writes them, and a load comes over them.
func TestConsentIsKeptWhereProfilesAreRows(t *testing.T) {
	p, c := onEmbedded(t, 1)
	publish := func(topic, key, value string) {
		t.Helper()
		if err := c.publish(t.Context(), topic, key, []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}
	publish(schemas.Settings, agreementKey, `{"partitioner":"murmur2","partitions":1,"flat":true,"redis":"x"}`)
	publish(schemas.Profiles, "no", `{"a":0,"profiling":false}`)
	publish(schemas.Profiles, "debezium", `{"before":null,"after":{"a":0,"profiling":false},"op":"c"}`)
	publish(schemas.Profiles, "back", `{"a":0,"profiling":false}`)
	publish(schemas.Profiles, "back", `{"a":0,"profiling":true}`)
	publish(schemas.Profiles, "gone", `{"a":0,"profiling":false}`)
	publish(schemas.Profiles, "gone", `{"before":{"a":0,"profiling":false},"after":null,"op":"d"}`)
	l := load(t, p, c, "id,a\nno,1\ndebezium,1\nback,1\ngone,1\n")
	said, err := l.objections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.keep(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	values := last(t, c)
	for name, no := range map[string]bool{"no": true, "debezium": true, "back": false, "gone": false} {
		if strings.Contains(values[name], `"profiling":false`) != no {
			t.Errorf("%s is %s", name, values[name])
		}
	}
}

// TestConsentIsKept says no in every way that the pipeline understands, before the load and while it runs.
func TestConsentIsKept(t *testing.T) {
	p, c := onEmbedded(t, 1)
	publish := func(key, value string, headers wire.Headers) {
		t.Helper()
		var bytes []byte
		if value != "" {
			bytes = []byte(value)
		}
		if err := c.publish(t.Context(), schemas.Profiles, key, bytes, headers); err != nil {
			t.Fatal(err)
		}
	}
	no := func(key string) { publish(key, `{"fields":{},"profiling":false}`, nil) }
	yes := func(key string) { publish(key, `{"fields":{"a":0}}`, nil) }
	structured := wire.AppendHeaders(nil, wire.Header{Key: schemas.HeaderContentType, Value: []byte("application/cloudevents+json")})

	no("plain")
	publish("escaped", `{"fields":{},"prof\u0069ling":false}`, nil)
	publish("inside", `{"specversion":"1.0","data":{"fields":{},"profiling":false}}`, structured)
	publish("encoded", `{"specversion":"1.0","data_base64":"eyJmaWVsZHMiOnt9LCJwcm9maWxpbmciOmZhbHNlfQ=="}`, structured)
	no("unreadable") // what comes after it says nothing
	publish("unreadable", `{"fields":`, nil)
	publish("unreadable", `{"customerId":"other","fields":{}}`, nil)
	no("back")
	yes("back")
	no("erased")
	publish("erased", "", nil)
	no("late back")
	yes("never")
	publish("connect", `{"schema":{},"payload":{"fields":{},"profiling":false}}`, nil)
	no("word")
	publish("word", `null`, nil)
	no("row") // a row says nothing here
	publish("row", `{"a":0,"profiling":true}`, nil)

	names := []string{"plain", "escaped", "inside", "encoded", "unreadable", "back", "erased", "never", "late", "late back", "new", "connect", "word", "row"}
	l := load(t, p, c, "id,a\n"+strings.Join(names, ",1\n")+",1\n")
	said, err := l.objections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	no("late") // after the load has looked, before it publishes
	yes("late back")
	if err := l.keep(t.Context(), said); err != nil {
		t.Fatal(err)
	}
	values := last(t, c)
	for _, name := range names {
		want := fmt.Sprintf(`{"customerId":%q,"fields":{"a":1}}`, name)
		switch name {
		case "plain", "escaped", "inside", "encoded", "unreadable", "late", "connect", "row":
			want = fmt.Sprintf(`{"customerId":%q,"fields":{"a":1},"profiling":false}`, name)
		}
		if values[name] != want {
			t.Errorf("%s is %s, want %s", name, values[name], want)
		}
	}
	if l.kept != 8 {
		t.Errorf("%d are said to be kept, want 8", l.kept)
	}
}
