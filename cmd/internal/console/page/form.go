package page

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kindred/pipeline/selection"
	"kindred/schemas"
)

// form is an expansion as people ask for it: texts as they were typed.
type form struct {
	ID, Source, Name string
	Recommended      bool     // learn from the recommended fields, whichever they are at each run
	Fields           []string // else from these
	Ticks            []string // what is ticked beside the choice of the recommended ones; empty: it is not known
	Mixed            bool     // and those are others
	Within           string   // candidates; empty: all customers
	Suppress         []string
	IncludeSource    bool
	Size             string // share or count
	Share            string // percent
	Count            string
	Floor            string
	Preset           string
	Holdout          string // percent; empty: nobody is held out
	OnLoad           bool
	SourceChange     string // percent; empty: never
	Every            string // a duration; empty: never
	Tags             string // with commas between them

	Wrong map[string]string // what is wrong, by the name of the field
}

// newForm is what is suggested for a source.
func newForm(source, name string, taken func(id string) bool) *form {
	f := &form{
		Source: source, Recommended: true, Size: "share", Share: "20", Preset: selection.Default, OnLoad: true,
	}
	f.Floor = floorOf(f.Preset)
	if source == "" {
		return f
	}
	if name == "" {
		name = source
	}
	f.ID, f.Name = source+"-expansion", suggest(name, " Expansion")
	for i := 2; taken(f.ID); i++ {
		f.ID, f.Name = fmt.Sprintf("%s-expansion-%d", source, i), suggest(name, fmt.Sprintf(" Expansion %d", i))
	}
	return f
}

// suggest puts two texts together, the first cut where both would be too long for a name.
func suggest(name, end string) string {
	if runes := []rune(name); len(runes)+len(end) > schemas.LongestName {
		name = string(runes[:schemas.LongestName-len(end)-1]) + "…"
	}
	return name + end
}

func floorOf(preset string) string {
	p, _ := selection.Presets(nil).Named(preset)
	return strconv.FormatFloat(p.Floor, 'g', -1, 64)
}

// formFrom is what a definition says.
func formFrom(id string, d *schemas.Definition) *form {
	f := &form{
		ID: id, Source: d.SourceSegmentID, Name: d.Name, Recommended: d.Fields == nil, Fields: d.Fields, Within: d.Candidates.SegmentID,
		Suppress: d.Suppress, IncludeSource: !d.ExcludeSource, Size: "share", Share: percentOf(d.Share), Floor: strconv.FormatFloat(d.Floor, 'g', -1, 64),
		Preset: d.Preset, Holdout: percentOf(d.Holdout), OnLoad: d.Refresh.OnDataEvent, SourceChange: percentOf(d.Refresh.SourceChange), Every: d.Refresh.Every,
		Tags: strings.Join(d.Tags, ", "),
	}
	if d.Count > 0 {
		f.Size, f.Count, f.Share = "count", strconv.FormatInt(d.Count, 10), "20"
	}
	return f
}

// formOf is what somebody has filled in; false: there is nothing of a form.
func formOf(v url.Values) (*form, bool) {
	if !v.Has("size") {
		return nil, false
	}
	text := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	f := &form{
		ID: text("id"), Source: text("source"), Name: text("name"), Recommended: v.Get("choice") != "named", Fields: chosen(v["field"]),
		Within: text("within"), Suppress: chosen(v["suppress"]), IncludeSource: v.Has("includeSource"), Size: v.Get("size"), Share: text("share"),
		Count: text("count"), Floor: text("floor"), Preset: text("preset"), Holdout: text("holdout"), OnLoad: v.Has("onLoad"), SourceChange: text("sourceChange"),
		Every: text("every"), Tags: text("tags"),
	}
	if f.Recommended {
		f.Ticks, f.Fields = f.Fields, nil
	}
	return f, true
}

// chosen drops the empty choices of a list.
func chosen(all []string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// values is formOf the other way.
func (f *form) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("id", f.ID)
	set("source", f.Source)
	set("name", f.Name)
	if !f.Recommended {
		v.Set("choice", "named")
		v["field"] = f.Fields
	}
	set("within", f.Within)
	if len(f.Suppress) > 0 {
		v["suppress"] = f.Suppress
	}
	for name, is := range map[string]bool{"includeSource": f.IncludeSource, "onLoad": f.OnLoad} {
		if is {
			v.Set(name, "on")
		}
	}
	v.Set("size", f.Size)
	if f.Size == "count" {
		set("count", f.Count)
	} else {
		set("share", f.Share)
	}
	set("floor", f.Floor)
	set("preset", f.Preset)
	set("holdout", f.Holdout)
	set("sourceChange", f.SourceChange)
	set("every", f.Every)
	set("tags", f.Tags)
	return v
}

// definition returns what the form asks for, and notes in Wrong what cannot be. What else cannot be the run says.
func (f *form) definition() *schemas.Definition {
	f.Wrong = map[string]string{}
	d := &schemas.Definition{
		SourceSegmentID: f.Source, Name: f.Name, Candidates: schemas.Candidates{SegmentID: f.Within}, Suppress: f.Suppress,
		ExcludeSource: !f.IncludeSource, Preset: f.Preset, Refresh: schemas.RefreshPolicy{OnDataEvent: f.OnLoad, Every: f.Every},
	}
	if !f.Recommended {
		d.Fields = f.Fields
		f.must(len(f.Fields) > 0, "field", "Tick at least one field, or take those that are recommended.")
	}
	f.must(!f.Mixed, "field", "Other fields are ticked than the recommended ones. Look whether just these are meant; else tick those that are recommended.")
	f.must(schemas.ValidExpansionID(f.ID) == nil, "id", "Use 1 to 200 letters, digits, dots, underscores and hyphens.")
	f.must(schemas.ValidSegmentID(f.Source) == nil, "source", "Choose the segment to learn from.")
	f.must(len([]rune(f.Name)) <= schemas.LongestName, "name", fmt.Sprintf("Use at most %d characters.", schemas.LongestName))
	if f.Size == "count" {
		n, err := strconv.ParseInt(strings.ReplaceAll(f.Count, ",", ""), 10, 64)
		f.must(err == nil && n >= 1, "count", "Use a whole number of 1 or more.")
		d.Count = n
	} else {
		share, ok := shareOf(f.Share)
		f.must(ok && share > 0 && share <= 1, "share", "Use more than 0 and at most 100.")
		d.Share = share
	}
	floor, err := strconv.ParseFloat(f.Floor, 64)
	f.must(err == nil && floor >= 0 && floor <= 1, "floor", "Use a score from 0 to 1.")
	d.Floor = floor
	d.Holdout = f.part("holdout", f.Holdout, schemas.MostHeldOut)
	d.Refresh.SourceChange = f.part("sourceChange", f.SourceChange, 1)
	if f.Every != "" {
		every, err := time.ParseDuration(f.Every)
		f.must(err == nil && every >= time.Minute, "every", "Choose how often.")
	}
	for tag := range strings.SplitSeq(f.Tags, ",") {
		if tag = strings.TrimSpace(tag); tag != "" && !slices.Contains(d.Tags, tag) {
			d.Tags = append(d.Tags, tag)
			f.must(len([]rune(tag)) <= schemas.LongestTag, "tags", fmt.Sprintf("A tag has at most %d characters.", schemas.LongestTag))
		}
	}
	f.must(len(d.Tags) <= schemas.MostTags, "tags", fmt.Sprintf("Use at most %d tags.", schemas.MostTags))
	return d
}

// part returns a share that may be left empty, which is none, and is at most so much.
func (f *form) part(name, percent string, most float64) float64 {
	if percent == "" {
		return 0
	}
	share, ok := shareOf(percent)
	f.must(ok && share >= 0 && share <= most, name, "Use 0 to "+percentOf(most)+", or leave it empty.")
	return share
}

func (f *form) must(is bool, name, otherwise string) {
	if !is {
		f.Wrong[name] = otherwise
	}
}

// shareOf reads a percentage exactly as it is written: 29 is the share 0.29.
func shareOf(percent string) (float64, bool) {
	number, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(percent, "%")), 64)
	if err != nil {
		return 0, false
	}
	share, err := strconv.ParseFloat(strconv.FormatFloat(number, 'f', -1, 64)+"e-2", 64)
	return share, err == nil
}

// percentOf is shareOf the other way; empty: none.
func percentOf(share float64) string {
	if share == 0 {
		return ""
	}
	percent, _ := strconv.ParseFloat(strconv.FormatFloat(share, 'f', -1, 64)+"e2", 64)
	return strconv.FormatFloat(percent, 'f', -1, 64)
}

// expand asks for a new expansion as a definition says. What is the default is left out.
func expand(id string, d *schemas.Definition) *schemas.ExpandRequest {
	r := &schemas.ExpandRequest{Action: schemas.Expand, ExpansionID: id, SourceSegmentID: &d.SourceSegmentID}
	given(r, &schemas.Definition{ExcludeSource: true, Preset: selection.Default, Refresh: schemas.RefreshPolicy{OnDataEvent: true}}, d)
	return r
}

// edit asks to make one definition into another. What stays as it is is left out.
func edit(id string, was, is *schemas.Definition) *schemas.ExpandRequest {
	r := &schemas.ExpandRequest{Action: schemas.Edit, ExpansionID: id}
	if was.SourceSegmentID != is.SourceSegmentID {
		r.SourceSegmentID = &is.SourceSegmentID
	}
	given(r, was, is)
	return r
}

// given puts into a request what one definition says otherwise than another.
func given(r *schemas.ExpandRequest, was, is *schemas.Definition) {
	if is.Name != was.Name && is.Name != "" {
		r.Name = &is.Name
	}
	if !slices.Equal(is.Fields, was.Fields) {
		r.Fields = listed(is.Fields)
	}
	if is.Candidates != was.Candidates {
		r.Candidates = &is.Candidates
	}
	if !slices.Equal(is.Suppress, was.Suppress) {
		r.Suppress = listed(is.Suppress)
	}
	if is.ExcludeSource != was.ExcludeSource {
		r.ExcludeSource = &is.ExcludeSource
	}
	switch {
	case is.Count > 0 && is.Count != was.Count:
		r.Count = &is.Count
	case is.Count == 0 && is.Share != was.Share:
		r.Share = &is.Share
	}
	if is.Floor != was.Floor {
		r.Floor = &is.Floor
	}
	if is.Preset != was.Preset {
		r.Preset = &is.Preset
	}
	if is.Holdout != was.Holdout {
		r.Holdout = &is.Holdout
	}
	if !slices.Equal(is.Tags, was.Tags) {
		r.Tags = listed(is.Tags)
	}
	if is.Refresh != was.Refresh {
		r.Refresh = &schemas.RefreshChange{
			OnDataEvent: &is.Refresh.OnDataEvent, SourceChange: &is.Refresh.SourceChange, Every: &is.Refresh.Every,
		}
	}
}

// listed is a list that JSON writes as [] when it is empty.
func listed(all []string) *[]string {
	if all == nil {
		all = []string{}
	}
	return &all
}
