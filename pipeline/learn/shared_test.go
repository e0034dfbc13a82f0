package learn_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// reading counts the shards whose rows are read.
type reading struct {
	*cache.Store
	read  atomic.Int64
	fails atomic.Bool
	other chan struct{} // receives when a shard has other rows than those to be kept; nil: nobody asks
}

func (r *reading) Scan(ctx context.Context, shard int, want cache.Want) (*cache.View, error) {
	if shard == 1 && r.fails.Load() {
		return nil, errors.New("Redis is away")
	}
	view, err := r.Store.Scan(ctx, shard, want)
	if err == nil && !view.Kept {
		r.read.Add(1)
	}
	if r.other != nil && errors.Is(err, cache.ErrOtherRows) {
		r.other <- struct{}{}
	}
	return view, err
}

// earners makes n random customers in some segments. Their incomes are so many, and many of them so near each other, that they
// are counted by ranges which are divided.
func earners(random *rand.Rand, n int) func(i int) (id, profile string, segments []string) {
	return func(i int) (id, profile string, segments []string) {
		city, income := random.IntN(6), 20_000+random.IntN(50_000)
		if random.IntN(3) > 0 {
			income = 30_000 + random.IntN(600)
		}
		for k := range 3 {
			if random.IntN(10) < 1+k && (city < 3 || income > 45_000) {
				segments = append(segments, fmt.Sprint("source ", k))
			}
		}
		if random.IntN(2) == 0 {
			segments = append(segments, "some")
		}
		if random.IntN(9) == 0 {
			segments = append(segments, "others")
		}
		profile = fmt.Sprintf(`{"fields":{"City":"c%d","Age":%d,"Income":%d}}`, city, 18+random.IntN(60), income)
		switch random.IntN(20) {
		case 0:
			profile = `{"profiling":false}`
		case 1:
			profile = ""
		}
		return fmt.Sprint("c-", i), profile, segments
	}
}

// lessonOf draws something to learn by lot.
func lessonOf(random *rand.Rand) learn.Lesson {
	return learn.Lesson{
		ExpansionID: []string{"vip-expansion", "x", "y"}[random.IntN(3)], Guarded: random.IntN(2) == 0, DryRun: random.IntN(4) == 0,
		Definition: schemas.Definition{
			SourceSegmentID: fmt.Sprint("source ", random.IntN(4)), Fields: [][]string{{"City", "Age", "Income"}, {"Income"}, nil}[random.IntN(3)],
			Candidates: schemas.Candidates{SegmentID: []string{"", "", "some"}[random.IntN(3)]}, Suppress: [][]string{{}, {"others"}}[random.IntN(2)],
			ExcludeSource: random.IntN(3) > 0, Share: 0.05 + random.Float64()/2, Floor: 0.5, Preset: "seed", Tags: []string{},
		},
	}
}

// Whatever runs share, each finds what it finds alone, also when rows or members change between two of them, when one is refused,
// and when one fails. What is still so is not read again.
func TestWhoSharesFindsWhatItFindsAlone(t *testing.T) {
	const shards, customers = 3, 9000
	worlds := uint64(4)
	if testing.Short() {
		worlds = 1 // a run at a time: others run side by side
	}
	for seed := range worlds {
		random := rand.New(rand.NewPCG(seed, 7))
		states := map[string]cache.State{}
		for i := range customers {
			if random.IntN(10) == 0 {
				states[fmt.Sprint("c-", i)] = cache.PackState(random.IntN(cache.Bands), 7000)
			}
		}
		r := &reading{Store: storedWith(t, states, customers, shards, earners(random, customers))}
		shared := new(learn.Shared)
		sharing := &learn.Trainer{Cache: r, Number: shards}
		reads := int64(shards) // that are to be expected
		refused, learned := 0, 0
		for run := range 16 {
			l := lessonOf(random)
			alone, why := (&learn.Trainer{Cache: r.Store, Number: shards}).Learn(t.Context(), l, silent)
			l.Shared = shared
			r.read.Store(0)
			found, whyShared := sharing.Learn(t.Context(), l, silent)
			if read := r.read.Load(); read != reads {
				t.Errorf("run %d has read %d shards, want %d", run, read, reads)
			}
			reads = 0
			var expected *schemas.RunError
			switch {
			case why != nil:
				if refused++; !errors.As(why, &expected) || !reflect.DeepEqual(why, whyShared) {
					t.Fatalf("seed %d, run %d: alone %v, shared %v", seed, run, why, whyShared)
				}
			case whyShared != nil:
				t.Fatalf("seed %d, run %d: %v", seed, run, whyShared)
			default:
				learned++
				if bytesOf(t, alone, 3) != bytesOf(t, found, 3) || !reflect.DeepEqual(alone, found) {
					t.Fatalf("seed %d, run %d: alone it finds %+v, shared %+v", seed, run, alone.Report, found.Report)
				}
			}
			change := func() {
				alter(t, r.Store, func(m *cache.Mirror, _ *cache.Meta) {
					var p schemas.Profile
					for range 100 {
						if _, profile, _ := earners(random, 1)(0); profile != "" {
							if err := p.Decode([]byte(profile)); err != nil {
								t.Fatal(err)
							}
							m.SetProfile(random.IntN(m.Rows()), &p)
						}
					}
				})
				reads = 1
			}
			switch random.IntN(4) {
			case 0:
				change()
			case 1:
				alter(t, r.Store, func(m *cache.Mirror, _ *cache.Meta) { m.SetMember("source 1", random.IntN(m.Rows()), true, 0) })
				reads = 1 // it has another owner
			case 2:
				if random.IntN(2) == 0 { // what it has read of shard 0 is not taken over
					change()
				}
				r.fails.Store(true)
				if _, err := sharing.Learn(t.Context(), l, silent); err == nil {
					t.Fatal("it has learned from a Redis that is away")
				}
				r.fails.Store(false)
			}
		}
		if refused == 0 || learned < 6 {
			t.Errorf("seed %d: %d runs are refused and %d learn", seed, refused, learned)
		}
	}
}

// Runs that learn side by side find what each finds alone, and read no shard twice whose rows have not changed.
func TestRunsSideBySideFindWhatEachFindsAlone(t *testing.T) {
	const shards, customers, rounds, runs = 3, 6000, 4, 4
	random := rand.New(rand.NewPCG(3, 7))
	r := &reading{Store: storedWith(t, map[string]cache.State{}, customers, shards, earners(random, customers))}
	shared, sharing := new(learn.Shared), &learn.Trainer{Cache: r, Number: shards}
	learned := 0
	for round := range rounds {
		if round > 0 {
			alter(t, r.Store, func(m *cache.Mirror, _ *cache.Meta) {
				var p schemas.Profile
				for row := range m.Rows() / 2 {
					if err := p.Decode(fmt.Appendf(nil, `{"fields":{"City":"c1","Age":%d,"Income":%d}}`, 20+row%(40+round), 30_000+row)); err != nil {
						t.Fatal(err)
					}
					m.SetProfile(row, &p)
				}
			})
		}
		var lessons [runs]learn.Lesson
		var alone, together [runs]*learn.Result
		var group sync.WaitGroup
		for i := range lessons {
			lessons[i] = lessonOf(random)
			alone[i], _ = (&learn.Trainer{Cache: r.Store, Number: shards}).Learn(t.Context(), lessons[i], silent)
			lessons[i].Shared = shared
			group.Go(func() { together[i], _ = sharing.Learn(t.Context(), lessons[i], silent) })
		}
		group.Wait()
		for i := range lessons {
			if !reflect.DeepEqual(alone[i], together[i]) {
				t.Errorf("round %d, run %d: alone it finds %+v, beside others %+v", round, i, alone[i], together[i])
			}
			if alone[i] != nil {
				learned++
			}
		}
	}
	if read := r.read.Load(); read != shards+rounds-1 {
		t.Errorf("%d times a shard was read, want %d", read, shards+rounds-1)
	}
	if learned < rounds {
		t.Errorf("only %d runs learn", learned)
	}
}

// Rows change while a run learns from those before. The next one waits until it has learned, and reads over them then.
func TestNobodyReadsOverRowsThatAnotherLearnsFrom(t *testing.T) {
	r := &reading{Store: cached(t, testkit.Town(6000), 2), other: make(chan struct{}, 2)}
	sharing, alone := &learn.Trainer{Cache: r, Number: 2}, &learn.Trainer{Cache: r.Store, Number: 2}
	first, err := alone.Learn(t.Context(), lesson(nil), silent)
	if err != nil {
		t.Fatal(err)
	}
	l := lesson(nil)
	l.Shared = new(learn.Shared)
	reads, goesOn := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	expect := func(want *learn.Result, report func(schemas.Stage, float64)) {
		found, err := sharing.Learn(t.Context(), l, report)
		if err != nil || !reflect.DeepEqual(found, want) {
			t.Errorf("alone it finds %+v, here %+v (%v)", want, found, err)
		}
	}
	group.Go(func() {
		expect(first, func(stage schemas.Stage, progress float64) {
			if stage == schemas.Training && progress == 0 {
				close(reads)
				<-goesOn
			}
		})
	})
	<-reads
	alter(t, r.Store, func(m *cache.Mirror, _ *cache.Meta) {
		for row := range m.Rows() / 2 {
			m.SetProfile(row, &schemas.Profile{Profiling: true})
		}
	})
	second, err := alone.Learn(t.Context(), lesson(nil), silent)
	if err != nil || reflect.DeepEqual(first, second) {
		t.Fatalf("with other rows it finds %+v (%v)", second, err)
	}
	group.Go(func() { expect(second, silent) })
	<-r.other
	close(goesOn)
	group.Wait()
}

// Whoever draws a sample that another has fitted takes what that one has found: what is done with it differs.
func TestASampleIsFittedOnceForAllThatShare(t *testing.T) {
	store, shared := cached(t, testkit.Town(6000), 2), new(learn.Shared)
	grade := func(change func(*schemas.Definition)) (string, int64) {
		t.Helper()
		l := lesson(change)
		l.Shared = shared
		found, err := learned(t, store, 2, l)
		if err != nil {
			t.Fatal(err)
		}
		return found.Report.Quality.Grade, found.Report.Counts.Members
	}
	own, members := grade(nil)
	shared.Plant("planted")
	if taken, fewer := grade(func(d *schemas.Definition) { d.Share = 0.1 }); taken != "planted" || fewer >= members {
		t.Errorf("of the same sample %d instead of %d members are found, by a fit that is %s", fewer, members, taken)
	}
	for what, change := range map[string]func(*schemas.Definition){
		"another source": func(d *schemas.Definition) { d.SourceSegmentID = "newsletter" },
		"other fields":   func(d *schemas.Definition) { d.Fields = []string{"City"} },
		"other bands":    func(d *schemas.Definition) { d.Preset = "2020-05" },
	} {
		if fitted, _ := grade(change); fitted == "planted" || fitted == "" {
			t.Errorf("%s: the fit is %s", what, fitted)
		}
	}
	shared = new(learn.Shared)
	if again, _ := grade(nil); again != own {
		t.Errorf("by itself it is %s, was %s", again, own)
	}
}

// A run that panics takes with it what it has read, and nothing else.
func TestAPanicLeavesNothingBehind(t *testing.T) {
	r, shared := &reading{Store: cached(t, testkit.Town(6000), 2)}, new(learn.Shared)
	l := lesson(nil)
	l.Shared = shared
	trainer := &learn.Trainer{Cache: r, Number: 2}
	first, err := trainer.Learn(t.Context(), l, silent)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it does not panic")
			}
		}()
		_, _ = trainer.Learn(t.Context(), l, func(stage schemas.Stage, _ float64) {
			if stage == schemas.Training {
				panic("what nobody has thought of")
			}
		})
	}()
	r.read.Store(0)
	again, err := trainer.Learn(t.Context(), l, silent)
	if err != nil || r.read.Load() != 2 || !reflect.DeepEqual(first, again) {
		t.Errorf("after it %d shards are read, and the result is %+v, %v", r.read.Load(), again, err)
	}
}
