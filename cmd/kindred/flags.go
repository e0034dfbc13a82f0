package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"kindred/schemas"
)

// definitionFlags are the flags of expand and edit that define an expansion. A flag that was not given is left out of the
// request: expand then takes the default, edit the present value.
type definitionFlags struct {
	source        string // of edit; of expand it is an argument
	name          string
	fields        []string
	within        string
	suppress      []string
	includeSource bool
	share         float64
	count         int64
	floor         float64
	preset        string
	holdout       float64
	tags          []string
	onDataEvent   bool
	sourceChange  float64
	every         time.Duration
}

// flags declares them.
func (d *definitionFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&d.name, "name", "", "what people call it (default the source's name and \"Expansion\")")
	flags.StringArrayVar(&d.fields, "field", nil, "learn from this field only; may be repeated (default the recommended ones)")
	flags.StringVar(&d.within, "within", "", "only members of this segment or expansion can become members (default all customers)")
	flags.StringArrayVar(&d.suppress, "suppress", nil, "members of this segment or expansion cannot become members; may be repeated")
	flags.BoolVar(&d.includeSource, "include-source", false, "members of the source segment can become members, too")
	flags.Float64Var(&d.share, "share", 0.2, "keep the best share of those who are similar enough")
	flags.Int64Var(&d.count, "count", 0, "keep so many of the best instead of a share")
	flags.Float64Var(&d.floor, "floor", 0, "lowest score that counts as similar enough, 0 to 1 (default the preset's)")
	flags.StringVar(&d.preset, "preset", "seed", "bounds of the four bands: seed, 2020-05, or a preset of your own that serve was given")
	flags.Float64Var(&d.holdout, "holdout", 0, "keep this share of those chosen out of the members, by lot, to measure what these are worth; 0 to 0.5")
	flags.StringArrayVar(&d.tags, "tag", nil, "label of your own, shown by kindred show; may be repeated")
	flags.BoolVar(&d.onDataEvent, "on-data-event", true, "refresh when upstream says that a load is complete")
	flags.Float64Var(&d.sourceChange, "source-change", 0, "refresh when this share of the source has entered or left since the last run, 0 for never")
	flags.DurationVar(&d.every, "every", 0, "refresh so often, at least 1m, such as 24h; 0 for never")
}

// possibleSize refuses values of --share, --count and --floor that cannot be asked for.
func possibleSize(given func(flag string) bool, share float64, count int64, floor float64) error {
	switch {
	case given("share") && given("count"):
		return fmt.Errorf("--share and --count are two ways to say the same: give one")
	case given("share") && (share <= 0 || share > 1):
		return fmt.Errorf("--share %v: want more than 0, at most 1", share)
	case given("count") && count < 1:
		return fmt.Errorf("--count %d: want at least 1", count)
	case floor < 0 || floor > 1:
		return fmt.Errorf("--floor %v: want 0 to 1", floor)
	}
	return nil
}

// fill puts the flags that were given into a request. Its error names the flag whose value is not possible.
func (d *definitionFlags) fill(flags *pflag.FlagSet, request *schemas.ExpandRequest) error {
	given := flags.Changed
	if err := possibleSize(given, d.share, d.count, d.floor); err != nil {
		return err
	}
	if d.holdout < 0 || d.holdout > schemas.MostHeldOut {
		return fmt.Errorf("--holdout %v: want 0 to %v", d.holdout, schemas.MostHeldOut)
	}
	if d.sourceChange < 0 || d.sourceChange > 1 {
		return fmt.Errorf("--source-change %v: want 0 to 1", d.sourceChange)
	}
	if d.every != 0 && d.every < time.Minute {
		return fmt.Errorf("--every %v: want at least 1m, such as 24h, or 0 for never", d.every)
	}
	for _, segment := range append([]string{d.source, d.within}, d.suppress...) {
		if err := schemas.ValidSegmentID(segment); segment != "" && err != nil {
			return fmt.Errorf("segment %q: %w", segment, err)
		}
	}
	d.set(given, request)
	return nil
}

func (d *definitionFlags) set(given func(string) bool, request *schemas.ExpandRequest) {
	if given("source") {
		request.SourceSegmentID = &d.source
	}
	if given("name") {
		request.Name = &d.name
	}
	if given("field") {
		request.Fields = list(d.fields)
	}
	if given("within") {
		request.Candidates = &schemas.Candidates{SegmentID: d.within}
	}
	if given("suppress") {
		request.Suppress = list(d.suppress)
	}
	if given("include-source") {
		exclude := !d.includeSource
		request.ExcludeSource = &exclude
	}
	if given("share") {
		request.Share = &d.share
	}
	if given("count") {
		request.Count = &d.count
	}
	if given("floor") {
		request.Floor = &d.floor
	}
	if given("preset") {
		request.Preset = &d.preset
	}
	if given("holdout") {
		request.Holdout = &d.holdout
	}
	if given("tag") {
		request.Tags = list(d.tags)
	}
	if given("on-data-event") || given("source-change") || given("every") {
		request.Refresh = &schemas.RefreshChange{}
	}
	if given("on-data-event") {
		request.Refresh.OnDataEvent = &d.onDataEvent
	}
	if given("source-change") {
		request.Refresh.SourceChange = &d.sourceChange
	}
	if given("every") {
		every := "" // never
		if d.every > 0 {
			every = d.every.String()
		}
		request.Refresh.Every = &every
	}
}

// list returns the values of a repeated flag: --field "" alone is an empty list.
func list(values []string) *[]string {
	if len(values) == 1 && values[0] == "" {
		values = []string{}
	}
	return &values
}

// requestFlags are the flags of every command that publishes a request.
type requestFlags struct {
	requestID string
	wait      bool
	dryRun    bool // of requests that train a model
	force     bool // of a refresh
}

// flags declares the flags of a request that trains nothing.
func (r *requestFlags) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&r.wait, "wait", false, "wait until the run has ended, and show its report")
	flags.StringVar(&r.requestID, "request-id", "", "id of the request and of its run; the same twice is one request (default made up)")
}

// trainingFlags declares the flags of a request whose run trains a model.
func (r *requestFlags) trainingFlags(flags *pflag.FlagSet) {
	r.flags(flags)
	flags.BoolVar(&r.dryRun, "dry-run", false, "run and report whom it would move, but publish and change nothing; implies --wait")
}

// complete fills in the id of a request, and what the flags ask for.
func (r *requestFlags) complete(request *schemas.ExpandRequest) {
	request.RequestID = r.requestID
	if request.RequestID == "" {
		request.RequestID = "cli-" + strings.ToLower(rand.Text()[:12])
	}
	request.DryRun, request.Force = r.dryRun, r.force
	r.wait = r.wait || r.dryRun
}
