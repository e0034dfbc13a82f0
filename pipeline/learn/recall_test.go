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
	last := &learn.Last{Epoch: 3, Report: first.Report, Suffices: true}
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
			want.Model.Fingerprint = ""
		}
		if !reflect.DeepEqual(recalled.Report, want.Report) || bytesOf(t, recalled, 4) != bytesOf(t, want, 4) {
			t.Errorf("%s: the last model gives another result than a fit:\n%+v\n%+v", name, recalled.Report, want.Report)
		}
	}

	for name, of := range map[string]struct {
		last   *learn.Last
		change func(*learn.Lesson)
	}{
		"another epoch": {&learn.Last{Epoch: 2, Report: first.Report, Suffices: true}, func(*learn.Lesson) {}},
		"other fields are chosen, as when one was declared sensitive": {last, func(l *learn.Lesson) { l.Definition.Fields = []string{"City"} }},
	} {
		if _, fitted := again(of.last, of.change); !fitted {
			t.Errorf("%s: it was not fitted anew", name)
		}
	}
}

// TestWhatAFitWouldGiveIsNotFitted: a refresh that finds the same sample takes the weights of the last model, and what the last
// report says of them: here an AUC by which that shows. All else is found anew, and the same as with a fit.
func TestWhatAFitWouldGiveIsNotFitted(t *testing.T) {
	const shards = 2
	customers := crossedTown(12_000)
	store := cached(t, customers, shards)
	fitted, err := learned(t, store, shards, lesson(nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(fitted.Report.Crosses) == 0 {
		t.Fatal("without a cross this shows too little")
	}
	raw := bytesOf(t, fitted, 3)
	keep(t, store, shards, "vip-expansion", []byte(raw))
	const told = 0.7654321
	report := *fitted.Report
	report.Quality.AUC = told
	again := func(from *cache.Store, last learn.Last, change func(*schemas.Definition)) *learn.Result {
		t.Helper()
		l := lesson(change)
		l.Last = &last
		result, err := learned(t, from, shards, l)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	last := learn.Last{Epoch: 3, Report: &report}

	for name, change := range map[string]func(*schemas.Definition){
		"nothing else": nil,
		"another cut":  func(d *schemas.Definition) { d.Share = 0.7 },
	} {
		got, want := again(store, last, change), again(store, learn.Last{Epoch: 99, Report: &report}, change)
		if got.Report.Quality.AUC != told {
			t.Errorf("%s: it was fitted anew", name)
		}
		got.Report.Quality.AUC = want.Report.Quality.AUC
		if !reflect.DeepEqual(got.Report, want.Report) || bytesOf(t, got, 4) != bytesOf(t, want, 4) {
			t.Errorf("%s: it is not what a fit gives:\n%+v\n%+v", name, got.Report, want.Report)
		}
	}

	fits := func(what string, from *cache.Store, last learn.Last, change func(*schemas.Definition)) {
		t.Helper()
		if again(from, last, change).Report.Quality.AUC == told {
			t.Errorf("%s: it was not fitted anew", what)
		}
	}
	fits("other bands, in which lifts are to be measured", store, last, func(d *schemas.Definition) { d.Preset = "2020-05" })
	fits("other fields", store, last, func(d *schemas.Definition) { d.Fields = []string{"City"} })
	cut := report
	cut.Fields = cut.Fields[:1]
	fits("a report that had no room for a field", store, learn.Last{Epoch: 3, Report: &cut}, nil)
	cut = report
	cut.Crosses = nil
	fits("a report that had no room for a cross", store, learn.Last{Epoch: 3, Report: &cut}, nil)

	kept := func(from *cache.Store, raw string) *cache.Store {
		keep(t, from, shards, "vip-expansion", []byte(raw))
		return from
	}
	unmarked := *fitted.Model
	unmarked.Fingerprint = ""
	fits("the model of an earlier build", kept(store, bytesOf(t, &learn.Result{Model: &unmarked}, 3)), last, nil)
	customers[5].Age += 10
	fits("a customer has changed", kept(cached(t, customers, shards), raw), last, nil)
	customers[5].Age -= 10
	if len(customers[5].Segments) == 0 {
		customers[5].Segments = []string{"vip"}
	} else {
		customers[5].Segments = nil
	}
	fits("the source has changed", kept(cached(t, customers, shards), raw), last, nil)
}
