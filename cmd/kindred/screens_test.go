package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"

	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// hostile would clear a screen, set its title, turn the direction of writing and break lines. As JSON it is hostileJSON.
const (
	hostile     = "a\x1b[2J\x1b]0;t\a\u009b31m\u202ed\re\nf\x7fg"
	hostileJSON = `a\u001b[2J\u001b]0;t\u0007\u009b31m\u202ed\re\nf\u007fg`
)

// unsayable are the commands of whose output nobody else decides: they serve, measure, or show what they have made up themselves.
var unsayable = []string{"kindred", "kindred demo", "kindred serve", "kindred bench", "kindred completion", "kindred help"}

// TestNoCommandLetsANameMoveTheCursor publishes names, ids, values and messages as nobody should, and runs every command. Each must
// have been run: a new one is added here.
func TestNoCommandLetsANameMoveTheCursor(t *testing.T) {
	testkit.NotShort(t)
	t.Parallel()
	w, _ := apart(t)
	w.serve()
	w.bring(0, crowd)
	long := strings.Repeat("segment-", 24) + "end"
	expansion := "like-" + long[8:]
	named := fmt.Sprintf(`"name":"%s 高収入"`, hostileJSON)
	w.say(schemas.Fields, "City", fmt.Sprintf(`{"name":"City","type":"%s","label":"%[1]s"}`, hostileJSON))
	for n := range 50 {
		id := fmt.Sprintf("\u202e%d", n) // ids hold no control characters, but may turn the direction
		w.say(schemas.Profiles, id, fmt.Sprintf(`{"customerId":"%s","fields":{"%s":"%[2]s","Membership":"gold","Deep":{"%[2]s":1}}}`, id, hostileJSON))
	}
	w.segment("vip", named+`,"snapshot":"`+hostileJSON+`","part":1,"parts":1,"members":%s`, vips(0, crowd))
	w.segment(long, named+`,"snapshot":"`+hostileJSON+`","part":1,"parts":2,"members":[]`)
	w.say(schemas.SegmentChanges, "vip", `no json`)
	w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":1,"floor":0,"name":"\u202emore 高収入","tags":["`+hostileJSON+`"]`)
	w.successful(expansion, `"action":"expand","sourceSegmentId":"vip","count":3`)
	w.say(schemas.ExpandRequests, "more", `{"action":"refresh","requestId":"`+hostileJSON+`"}`)
	bad := fmt.Sprintf(`"runId":"%s","cause":"%[1]s","startedAt":null,"endedAt":null,"progress":0`, hostileJSON)
	w.say(schemas.Runs, "more", fmt.Sprintf(`{%s,"expansionId":"more","status":"failed","error":{"code":"%s","message":"%[2]s","hint":"%[2]s"}}`, bad, hostileJSON))
	letter := schemas.DeadLetter{
		Topic: w.settings.Prefix + hostile, Stage: hostile, Code: hostile, Message: hostile, At: time.Now(), Key: []byte(hostile), Value: []byte(hostile),
	}
	at := w.Publish(schemas.DeadLetters, 0, time.Now(), "k", letter.Value, letter.AllHeaders())

	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		w.OK(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	table := file("table.csv", "id,\""+hostile+"\",City\n1,"+"2,\""+hostile+"\"\n")
	ids := file("ids.txt", customer(1)+"\n")
	letterAt := fmt.Sprint(at)
	said := map[string]bool{}
	for _, line := range [][]string{
		{"topics", "ensure", "--partitions", fmt.Sprint(shardsOfAWorld)}, {"topics", "diff"}, {"topics", "schema", hostile}, {"doctor"}, {"version"},
		{"load", "profiles", table, "--id", "id"}, {"load", "profiles", table, "--id", hostile}, {"load", "segment", ids, "--segment", "vip", "--name", hostile},
		{"fields"}, {"fields", "vip"}, {"fields", hostile}, {"segments"},
		{"dead-letters", "list"}, {"dead-letters", "show", letterAt}, {"dead-letters", "show", letterAt, "--values"},
		{"dead-letters", "replay", letterAt, "--yes"}, {"dead-letters", "replay", "--topic", hostile, "--yes"},
		{"list"}, {"show", "more"}, {"show", expansion}, {"show", hostile}, {"runs"}, {"runs", "more"}, {"members", "more"}, {"members", expansion},
		{"why", "more", "\u202e1"}, {"why", expansion, "\u202e2"}, {"why", "more", hostile},
		{"compare", "more", expansion}, {"compare", expansion, hostile},
		{"man", t.TempDir()}, {"export", "more", "-o", filepath.Join(t.TempDir(), hostile), "--force"}, {"export", hostile},
		{"verify"}, {"verify", "more"}, {"verify", hostile},
		{"expand", "vip", "--id", "other", "--field", hostile, "--wait"}, {"expand", hostile}, {"edit", "more", "--name", hostile, "--wait"},
		{"refresh", "more", "--request-id", hostile}, {"refresh", "more", "--wait"}, {"cancel", "more", "--wait"},
		{"rename", "more", hostile, "--wait"}, {"delete", "other", "--yes", "--wait"}, {hostile}, {"list", "--" + hostile},
	} {
		for _, columns := range []int{0, 80} {
			for _, more := range []string{"--json=false", "--json"} {
				text, _ := w.said(columns, append(line, more)...)
				for _, r := range text {
					if r != '\n' && !unicode.IsGraphic(r) {
						t.Errorf("%q lets %U reach the terminal:\n%q", line, r, text)
						break
					}
				}
				for drawn := range strings.Lines(text) {
					if wide := runewidth.StringWidth(strings.TrimSuffix(drawn, "\n")); columns > 0 && more != "--json" && wide > columns {
						t.Errorf("%q draws %d columns on a terminal of %d:\n%s", line, wide, columns, drawn)
					}
				}
			}
		}
		if command, _, err := new(program).root().Find(line); err == nil {
			said[command.CommandPath()] = true
		}
	}
	walk(new(program).root(), func(c *cobra.Command) {
		for _, without := range unsayable {
			if c.CommandPath() == without || without != "kindred" && strings.HasPrefix(c.CommandPath(), without+" ") {
				return
			}
		}
		if !c.HasSubCommands() && !said[c.CommandPath()] {
			t.Errorf("%s is not tried", c.CommandPath())
		}
	})
}
