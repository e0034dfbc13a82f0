package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/pipeline/oracle"
	"kindred/schemas"
)

// placeOf returns what a row of an export says.
func placeOf(score float64, band string) oracle.Place {
	return oracle.Place{Score: int(score*10000 + 0.5), Band: slices.Index(schemas.BandNames[:], band)}
}

func TestAnExportHasWhoIsPublished(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		run := w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.5`)
		w.successful("less", `"action":"expand","sourceSegmentId":"vip","share":0.5,"holdout":0.4`)
		w.agree()
		dir := t.TempDir()
		in := func(name string) string { return filepath.Join(dir, name) }

		// The same members in every format, in the order of `members`.
		best := printed[[]reading.Member](w, "members", "more")
		check := func(name, of string, got []table.Member) {
			t.Helper()
			places := map[string]oracle.Place{}
			for _, m := range got {
				places[m.CustomerID] = placeOf(m.Score, m.Band)
			}
			w.same(name, places, w.market.of(of))
			for i, m := range best[:min(len(best), len(got))] {
				if of == "more" && got[i].CustomerID != m.CustomerID {
					t.Fatalf("%s: at %d is %s, want %s", name, i, got[i].CustomerID, m.CustomerID)
				}
			}
		}
		result := printed[exported](w, "export", "more", "-o", in("more.parquet"))
		file, err := os.ReadFile(in("more.parquet"))
		w.OK(err)
		rows, err := parquet.Read[table.Member](bytes.NewReader(file), int64(len(file)))
		w.OK(err)
		check("parquet", "more", rows)
		sum := sha256.Sum256(file)
		if result.Customers != int64(len(rows)) || result.Bytes != int64(len(file)) || result.SHA256 != hex.EncodeToString(sum[:]) ||
			result.RunID != run.RunID || result.Format != "parquet" || len(result.Bands) != 4 {
			t.Errorf("it says %+v of %d members in %d bytes with checksum %x", result, len(rows), len(file), sum)
		}
		lines := w.kindred(done, "export", "more", "--format", "jsonl")
		check("jsonl", "more", decodedLines[table.Member](t, lines))
		if text := w.kindred(done, "export", "more"); strings.Count(text, "\n") != len(rows)+1 || !strings.HasPrefix(text, "customerId,score,band\n") {
			t.Errorf("csv on stdout is\n%.200s", text)
		}

		// What is there is not replaced unless that is asked for, and nothing else is left beside it.
		if text := w.kindred(failed, "export", "more", "-o", in("more.parquet")); !strings.Contains(text, "--force replaces it") {
			t.Errorf("it says %s", text)
		}
		w.kindred(done, "export", "less", "-o", in("more.parquet"), "--force")
		w.kindred(failed, "export", "nothing", "-o", in("nothing.csv"))
		left, err := os.ReadDir(dir)
		w.OK(err)
		if len(left) != 1 {
			t.Errorf("there are %v", left)
		}

		// Who is held out would be a member, and is none.
		held := decodedLines[table.Member](t, w.kindred(done, "export", "less", "--holdout", "--format", "jsonl"))
		members := w.market.of("less")
		for _, m := range held {
			if _, is := members[m.CustomerID]; is {
				t.Errorf("%s is held out, and a member", m.CustomerID)
			}
		}
		w.successful("less", `"action":"edit","holdout":0`)
		w.agree()
		all := w.market.of("less")
		for _, m := range held {
			if all[m.CustomerID] != placeOf(m.Score, m.Band) {
				t.Errorf("%s was held out with %v, and is %v without", m.CustomerID, placeOf(m.Score, m.Band), all[m.CustomerID])
			}
			delete(all, m.CustomerID)
		}
		if len(held) == 0 || !maps.Equal(all, members) {
			t.Errorf("%d members, %d held out, %d more without", len(members), len(held), len(all))
		}
	})
}

func decodedLines[T any](t *testing.T, text string) (all []T) {
	t.Helper()
	for lines := json.NewDecoder(strings.NewReader(text)); ; {
		var one T
		if err := lines.Decode(&one); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, one)
	}
}

// said is what a command that still runs has printed.
type saidSoFar struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *saidSoFar) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *saidSoFar) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// running runs a command beside the test, which stop ends and waits for.
func (w *world) running(arguments ...string) (out, aside *saidSoFar, stop func() int) {
	w.Helper()
	out, aside = new(saidSoFar), new(saidSoFar)
	ctx, cancel := context.WithCancel(w.Ctx)
	code := make(chan int, 1)
	arguments = append([]string{"--kafka", w.kafkaAddr, "--redis", w.redisAddr, "--prefix", w.settings.Prefix}, arguments...)
	go func() {
		code <- (&program{out: terminal.Screen{W: out}, aside: terminal.Screen{W: aside}}).run(ctx, arguments)
	}()
	return out, aside, func() int { cancel(); return <-code }
}

func TestAnExportWaitsWhileARunIsPublishing(t *testing.T) {
	everywhere(t, func(w *world) {
		stop := w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.5`)
		w.agree()
		stop()
		expansion, err := w.kafka.expansion(w.Ctx, "more")
		w.OK(err)
		tell := func(run *schemas.RunRef) {
			expansion.Run = run
			value, err := json.Marshal(expansion)
			w.OK(err)
			w.say(schemas.Expansions, "more", string(value))
		}
		tell(&schemas.RunRef{RunID: "r-9", Epoch: 9, Committed: true})
		out, aside, end := w.running("export", "more")
		w.wait("the export to wait", func() string {
			if !strings.Contains(aside.String(), "waiting for the end of run r-9") {
				return aside.String()
			}
			return ""
		})
		if out.String() != "" {
			t.Errorf("it wrote %s", out)
		}
		tell(nil)
		w.wait("the members", func() string {
			if n := strings.Count(out.String(), "\n"); n != len(w.market.of("more"))+1 {
				return fmt.Sprintf("%d lines", n)
			}
			return ""
		})
		end()
	})
}

func TestFollowingAnExportLeadsToTheMembers(t *testing.T) {
	everywhere(t, func(w *world) {
		w.serve()
		w.declare()
		w.bring(0, crowd)
		w.segment("vip", `"added":%s`, vips(0, crowd))
		w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.5`)
		w.agree()
		lines, _, end := w.running("export", "more", "--follow")
		shown, _, endShown := w.running("members", "more", "--follow", "--limit", "3")
		applied := func() map[string]oracle.Place {
			places := map[string]oracle.Place{}
			text := lines.String()
			for _, m := range decodedLines[reading.Movement](t, text[:strings.LastIndex(text, "\n")+1]) {
				if delete(places, m.CustomerID); m.Score != nil {
					places[m.CustomerID] = placeOf(*m.Score, *m.Band)
				}
			}
			return places
		}
		follows := func(when string) {
			t.Helper()
			w.agree()
			w.wait(when, func() string {
				if got, want := applied(), w.market.of("more"); !maps.Equal(got, want) {
					return fmt.Sprintf("%d, want %d", len(got), len(want))
				}
				return ""
			})
		}
		follows("at first")
		w.wait("what people see at first", func() string {
			if text := shown.String(); !strings.Contains(text, "very similar") {
				return "it says " + text
			}
			return ""
		})
		gone := first(w.market.of("more"), 2)
		w.erase(schemas.Profiles, gone[0])
		w.profile(w.outsider(vips(0, crowd), w.market.of("more")), gone[1])
		follows("live changes")
		w.successful("more", `"action":"edit","share":0.2`)
		follows("an edit")
		w.wait("what people see", func() string {
			if text := shown.String(); !strings.Contains(text, "  left     ") || !strings.Contains(text, "erasure  "+gone[0]) {
				return text
			}
			return ""
		})
		endShown()
		if code := end(); code != done {
			t.Errorf("it ends with %d when it is interrupted", code)
		}
	})
}
