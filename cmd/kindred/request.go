package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kindred/schemas"
)

// wishes are the flags that expand and edit share. A flag that was not given is not asked for: expand then takes the
// default, edit what is.
type wishes struct {
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
	tags          []string
	onDataEvent   bool
	sourceChange  float64
	every         time.Duration
}

func (w *wishes) flags(flags *pflag.FlagSet) {
	flags.StringVar(&w.name, "name", "", "what people call it")
	flags.StringArrayVar(&w.fields, "field", nil, "learn from this field; may be repeated, is then the whole list (default the recommended ones)")
	flags.StringVar(&w.within, "within", "", "only members of this segment can become members (default all customers)")
	flags.StringArrayVar(&w.suppress, "suppress", nil, "members of this segment cannot; may be repeated")
	flags.BoolVar(&w.includeSource, "include-source", false, "members of the source segment can")
	flags.Float64Var(&w.share, "share", 0.2, "keep the best share of those who are similar enough")
	flags.Int64Var(&w.count, "count", 0, "keep the best so many instead")
	flags.Float64Var(&w.floor, "floor", 0, "lowest score that counts as similar enough, 0 to 1 (default the preset's)")
	flags.StringVar(&w.preset, "preset", "seed", "bounds of the four bands: seed or 2020-05")
	flags.StringArrayVar(&w.tags, "tag", nil, "a word to find it by; may be repeated")
	flags.BoolVar(&w.onDataEvent, "on-data-event", true, "refresh when upstream says that a load is complete")
	flags.Float64Var(&w.sourceChange, "source-change", 0, "refresh when this share of the source has entered or left, 0 for never")
	flags.DurationVar(&w.every, "every", 0, "refresh so often, such as 24h")
}

// request takes over the flags that were given, and says which make no sense.
func (w *wishes) request(flags *pflag.FlagSet, request *schemas.ExpandRequest) error {
	given := flags.Changed
	if given("share") && given("count") {
		return fmt.Errorf("--share and --count are two ways to say the same: give one")
	}
	if w.share <= 0 || w.share > 1 {
		return fmt.Errorf("--share %v: want more than 0, at most 1", w.share)
	}
	if given("count") && w.count < 1 {
		return fmt.Errorf("--count %d: want at least 1", w.count)
	}
	if w.floor < 0 || w.floor > 1 {
		return fmt.Errorf("--floor %v: want 0 to 1", w.floor)
	}
	if w.sourceChange < 0 || w.sourceChange > 1 {
		return fmt.Errorf("--source-change %v: want 0 to 1", w.sourceChange)
	}
	if w.every < 0 {
		return fmt.Errorf("--every %v: want a time such as 24h", w.every)
	}
	for _, segment := range append([]string{w.source, w.within}, w.suppress...) {
		if err := schemas.ValidSegmentID(segment); segment != "" && err != nil {
			return fmt.Errorf("segment %q: %w", segment, err)
		}
	}
	w.take(given, request)
	return nil
}

func (w *wishes) take(given func(string) bool, request *schemas.ExpandRequest) {
	if given("source") {
		request.SourceSegmentID = &w.source
	}
	if given("name") {
		request.Name = &w.name
	}
	if given("field") {
		request.Fields = list(w.fields)
	}
	if given("within") {
		request.Candidates = &schemas.Candidates{SegmentID: w.within}
	}
	if given("suppress") {
		request.Suppress = list(w.suppress)
	}
	if given("include-source") {
		exclude := !w.includeSource
		request.ExcludeSource = &exclude
	}
	if given("share") {
		request.Share = &w.share
	}
	if given("count") {
		request.Count = &w.count
	}
	if given("floor") {
		request.Floor = &w.floor
	}
	if given("preset") {
		request.Preset = &w.preset
	}
	if given("tag") {
		request.Tags = list(w.tags)
	}
	if given("on-data-event") || given("source-change") || given("every") { // a policy is given as a whole
		request.Refresh = &schemas.RefreshPolicy{OnDataEvent: w.onDataEvent, SourceChange: w.sourceChange}
		if w.every > 0 {
			request.Refresh.Every = w.every.String()
		}
	}
}

// list is what a repeated flag means: --field "" alone is an empty list.
func list(values []string) *[]string {
	if len(values) == 1 && values[0] == "" {
		values = []string{}
	}
	return &values
}

// how says what a request waits for and how far it goes.
type how struct {
	requestID string
	wait      bool
	dryRun    bool
	force     bool
}

func (h *how) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&h.wait, "wait", false, "wait until the run has ended, and show its report")
	flags.StringVar(&h.requestID, "request-id", "", "id of the request and of its run; the same twice is one request (default made up)")
}

func (h *how) trainingFlags(flags *pflag.FlagSet) {
	h.flags(flags)
	flags.BoolVar(&h.dryRun, "dry-run", false, "run and report, but publish nothing; implies --wait")
	flags.BoolVar(&h.force, "force", false, "also when more than half of the members would leave")
}

// complete fills in what all requests have.
func (h *how) complete(request *schemas.ExpandRequest) {
	request.RequestID = h.requestID
	if request.RequestID == "" {
		request.RequestID = "cli-" + strings.ToLower(rand.Text()[:12])
	}
	request.DryRun, request.Force = h.dryRun, h.force
	h.wait = h.wait || h.dryRun
}

// action makes a command that asks for something to happen to an expansion that is there.
func (p *program) action(action schemas.Action, short string, training bool) *cobra.Command {
	var h how
	command := &cobra.Command{
		Use:   string(action) + " ID",
		Short: short,
		Args:  named("ID"),
		RunE: func(command *cobra.Command, arguments []string) error {
			return p.ask(command, schemas.ExpandRequest{Action: action, ExpansionID: arguments[0]}, h)
		},
	}
	if training {
		h.trainingFlags(command.Flags())
	} else {
		h.flags(command.Flags())
	}
	return command
}
