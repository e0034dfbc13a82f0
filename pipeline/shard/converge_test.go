package shard_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"kindred/schemas"
)

// Whatever happens in whatever order, the members are at last those of the inputs, and so are those of the log of changes.
func TestConvergesAfterAnyCrash(t *testing.T) {
	worlds := uint64(8)
	if testing.Short() {
		worlds = 4 // one of each kind
	}
	for seed := range worlds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r, faults := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			w := newWorld(t)
			w.stretch = int64(seed%4) * 7 // one, or many
			if seed%2 == 0 {
				w.tell("at first")
			}
			w.kafka.abandon = func() (stored, acknowledged bool) {
				if faults.IntN(5) == 0 {
					return faults.IntN(2) == 0, false
				}
				return true, true
			}
			w.run()
			for range 400 {
				w.step(r)
			}
			w.mu.Lock()
			w.kafka.abandon = nil
			w.mu.Unlock()
			if seed%4 == 3 && w.since == "" {
				w.switchLog(r)
			}
			w.check("at last")
			w.stop()
		})
	}
}

// step does one thing that can happen.
func (w *world) step(r *rand.Rand) {
	id := fmt.Sprint("c", r.IntN(40))
	city := []string{"Oslo", "Bergen", "Rome", "Paris"}[r.IntN(4)]
	segment := []string{"vip", "staff"}[r.IntN(2)]
	expansion := []string{"x", "y", "b", "a"}[r.IntN(4)]
	epoch := int64(1)
	if m := w.models[expansion]; m != nil {
		epoch = m.Epoch + 1
	}
	switch n := r.IntN(100); {
	case n < 50:
		w.profile(id, city)
	case n < 55:
		w.refuse(id)
	case n < 60:
		w.erase(id)
	case n < 75:
		w.member(segment, id, r.IntN(2) == 0)
	case n < 77:
		w.snapshot(segment, "c1", id, "c3")
	case n < 78:
		w.gone(segment)
		w.settle()
		w.snapshot(segment, id)
	case n < 84:
		d := chained(expansion, r)
		d.Holdout = []float64{0, 0, 0.2, 0.5}[r.IntN(4)]
		w.define(expansion, epoch, []int{0, 5000, 7500, 8000}[r.IntN(4)], d, city, "Rome")
	case n < 85:
		w.delete(expansion, epoch)
	case n < 86:
		w.again(expansion)
	case n < 88: // a zombie writes
		if w.models[expansion] == nil {
			w.model(expansion, epoch, 5000, "Oslo") // else no expansion would answer it
		}
		var value []byte
		if r.IntN(2) == 0 {
			value = schemas.AppendMembership(nil, expansion, []byte(id), 9000, 3, 1, "old", 0)
		}
		if w.since != "" && r.IntN(3) > 0 {
			w.write(w.topic(schemas.MembershipChanges), 0, expansion+"/"+id, []byte([]string{
				`{"change":"entered","score":0.9,"band":"very similar"}`, `{"change":"left","score":null,"band":null}`, `{`,
			}[r.IntN(3)]))
		}
		if r.IntN(3) > 0 {
			w.write(w.topic(schemas.Memberships), 0, expansion+"/"+id, value)
		}
	case n < 91:
		w.crash()
		w.run()
	case n < 93: // a rebalance that gives the shard back
		w.stop()
		w.run()
	case n < 94:
		w.switchLog(r)
	case n < 95:
		w.redis.FlushAll()
	case n < 96:
		w.crash()
		w.redis.FlushAll()
		w.run()
	default:
		w.settle()
	}
}

// chained returns a definition for one of the step's expansions: a may use b, x and y, b may use x and y.
func chained(expansion string, r *rand.Rand) schemas.Definition {
	others := map[string][]string{"a": {"b", "x", "y", "vip"}, "b": {"x", "y", "vip"}}[expansion]
	if others == nil {
		return schemas.Definition{SourceSegmentID: "vip", ExcludeSource: true, Suppress: []string{"staff"}}
	}
	other := func() string { return others[r.IntN(len(others))] }
	d := schemas.Definition{SourceSegmentID: other(), ExcludeSource: r.IntN(3) > 0, Suppress: []string{"staff"}}
	if r.IntN(2) == 0 {
		d.Candidates.SegmentID = other()
	}
	if r.IntN(2) == 0 {
		d.Suppress = []string{other()}
	}
	return d
}
