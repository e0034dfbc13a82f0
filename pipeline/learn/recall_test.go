package learn_test

import (
	"reflect"
	"slices"
	"testing"

	"kindred/pipeline/cache"
	"kindred/pipeline/learn"
	"kindred/pipeline/testkit"
	"kindred/schemas"
)

// keep puts a model into the caches of all shards, as their owners do.
func keep(t *testing.T, store *cache.Store, shards int, expansion string, raw []byte) {
	t.Helper()
	for shard := range shards {
		mirror, meta, err := store.Load(t.Context(), shard)
		if err != nil {
			t.Fatal(err)
		}
		writer, err := store.Claim(t.Context(), shard, false)
		if err != nil {
			t.Fatal(err)
		}
		mirror.SetModel(expansion, raw)
		if err := writer.Exec(t.Context(), mirror.Snapshot(*meta)); err != nil {
			t.Fatal(err)
		}
	}
}

// bytesOf returns a model as it is written under an epoch.
func bytesOf(t *testing.T, l *learn.Result, epoch int64) string {
	t.Helper()
	l.Model.Epoch = epoch
	raw, err := l.Model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestTheLastModelGivesWhatAFitWouldGive(t *testing.T) {
	const shards = 2
	store := cached(t, testkit.Town(6000), shards)
	first, err := learned(t, store, shards, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	keep(t, store, shards, "vip-expansion", []byte(bytesOf(t, first, 3)))

	// again learns for another definition from the last model, or not, and reports whether it was fitted anew.
	again := func(last *learn.Last, change func(*learn.Lesson)) (result *learn.Result, fitted bool) {
		t.Helper()
		l := lesson(nil)
		change(&l)
		l.Last = last
		var stages []schemas.Stage
		result, err := (&learn.Trainer{Cache: store, Number: shards}).Learn(t.Context(), l, func(s schemas.Stage, _ float64) {
			stages = append(stages, s)
		})
		if err != nil {
			t.Fatal(err)
		}
		return result, slices.Contains(stages, schemas.Training)
	}
	last := &learn.Last{Epoch: 3, Report: first.Report}
	for name, change := range map[string]func(*learn.Lesson){
		"share":  func(l *learn.Lesson) { l.Definition.Share = 0.6 },
		"count":  func(l *learn.Lesson) { l.Definition.Share, l.Definition.Count = 0, 17 },
		"floor":  func(l *learn.Lesson) { l.Definition.Floor = 0.2 },
		"name":   func(l *learn.Lesson) { l.Definition.Name, l.Definition.Tags = "Other", []string{"t"} },
		"preset": func(l *learn.Lesson) { l.Definition.Preset = "2020-05" },
		"policy": func(l *learn.Lesson) { l.Definition.Refresh.Every = "24h" },
	} {
		recalled, fitted := again(last, change)
		want, _ := again(nil, change)
		if fitted {
			t.Errorf("%s: it was fitted anew", name)
		}
		if name == "preset" {
			want.Report.Quality.BandLift, want.Report.Quality.BandPromise = [4]float64{}, [4]float64{} // were measured in other bands
		}
		if !reflect.DeepEqual(recalled.Report, want.Report) || bytesOf(t, recalled, 4) != bytesOf(t, want, 4) {
			t.Errorf("%s: the last model gives another result than a fit:\n%+v\n%+v", name, recalled.Report, want.Report)
		}
	}

	for name, of := range map[string]struct {
		last   *learn.Last
		change func(*learn.Lesson)
	}{
		"another epoch": {&learn.Last{Epoch: 2, Report: first.Report}, func(*learn.Lesson) {}},
		"other fields are chosen, as when one was declared sensitive": {last, func(l *learn.Lesson) { l.Definition.Fields = []string{"City"} }},
	} {
		if _, fitted := again(of.last, of.change); !fitted {
			t.Errorf("%s: it was not fitted anew", name)
		}
	}
}
