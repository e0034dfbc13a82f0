package reading

import (
	"cmp"
	"slices"
	"time"

	"kindred/schemas"
	"kindred/schemas/wire"
)

// Run is a run as lists show it: its last event, without the report.
type Run struct {
	At time.Time `json:"at"` // when it was first heard of
	schemas.Run
	Report *struct{} `json:"report,omitempty"` // in place of the one of Run
}

// mostLogged bounds the runs of all expansions together, whatever names people try.
const mostLogged = 10_000

// runLog keeps the newest runs of each expansion, at most so many.
type runLog struct {
	most  int
	of    map[string][]*logged // by expansion, oldest first
	byID  map[[2]string]*logged
	order []*logged // of all, oldest first; some of them are forgotten
	next  int64     // number of the next run
}

// logged is a run on record, and where its last event stands.
type logged struct {
	Run
	number   int64 // in the order in which runs were first heard of
	offset   int64 // in runs
	reported bool  // that event has a report
}

// take takes in an event of a run.
func (l *runLog) take(event *schemas.Run, r *wire.Record) {
	if l.of == nil {
		l.of, l.byID = map[string][]*logged{}, map[[2]string]*logged{}
	}
	key := [2]string{event.ExpansionID, event.RunID}
	run := l.byID[key]
	if run == nil {
		run = &logged{number: l.next}
		run.At = time.UnixMilli(r.Timestamp).UTC()
		l.add(key, run)
	}
	run.offset, run.reported = r.Offset, event.Report != nil
	event.Report = nil
	run.Run.Run = *event
}

// add adds a run that is the newest, and forgets the oldest of those that are too many.
func (l *runLog) add(key [2]string, run *logged) {
	l.next++
	l.byID[key] = run
	l.of[key[0]] = append(l.of[key[0]], run)
	l.order = append(l.order, run)
	run.Run.Run = schemas.Run{ExpansionID: key[0], RunID: key[1]}
	if of := l.of[key[0]]; len(of) > cmp.Or(l.most, usualRuns) {
		l.forget(of[0])
	}
	for len(l.byID) > max(l.most, mostLogged) {
		l.forget(l.order[0])
		l.order = l.order[1:]
	}
	if len(l.order) > 2*mostLogged+2*l.most {
		l.order = slices.DeleteFunc(l.order, func(run *logged) bool { return l.byID[run.key()] != run })
	}
}

func (r *logged) key() [2]string { return [2]string{r.ExpansionID, r.RunID} }

// forget forgets a run which is the oldest of its expansion, unless it is forgotten already.
func (l *runLog) forget(run *logged) {
	if l.byID[run.key()] != run {
		return
	}
	delete(l.byID, run.key())
	of := l.of[run.ExpansionID]
	if of = slices.Delete(of, 0, 1); len(of) == 0 {
		delete(l.of, run.ExpansionID)
	} else {
		l.of[run.ExpansionID] = of
	}
}

func (l *runLog) find(expansion, run string) *logged {
	if found := l.byID[[2]string{expansion, run}]; found != nil {
		return new(*found)
	}
	return nil
}

// newest returns the newest runs of an expansion, or of all, newest first.
func (l *runLog) newest(expansion string, limit int) []Run {
	var all []*logged
	if expansion != "" {
		all = slices.Clone(l.of[expansion])
	} else {
		for _, of := range l.of {
			all = append(all, of...)
		}
	}
	slices.SortFunc(all, func(a, b *logged) int { return cmp.Compare(b.number, a.number) })
	list := make([]Run, 0, min(limit, len(all)))
	for _, run := range all[:min(limit, len(all))] {
		list = append(list, run.Run)
	}
	return list
}
