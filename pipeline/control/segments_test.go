package control

import (
	"testing"

	"kindred/schemas"
)

func TestASegmentThatGoesWhileARunLearnsIsGoneAtTheCommit(t *testing.T) {
	d := newDesk(t)
	d.ask(expand("first"))
	d.turn()
	d.state.segments["vip"] = &schemas.Segment{SegmentID: "vip", Gone: true}
	for _, s := range d.state.segmentStates() {
		d.do(s)
	}
	d.commit()
	d.succeed()
	if got := d.state.expansions["x"].State; got != schemas.StateSegmentGone {
		t.Errorf("its state is %s", got)
	}
}

func TestAnExpansionOfASegmentThatIsGoneSaysSo(t *testing.T) {
	d := newDesk(t)
	d.live()
	follow := func(gone bool, want schemas.State) {
		t.Helper()
		d.state.segments["vip"] = &schemas.Segment{SegmentID: "vip", Gone: gone}
		for _, s := range d.state.segmentStates() {
			d.do(s)
		}
		if got := d.state.expansions["x"].State; got != want {
			t.Errorf("its state is %s, want %s", got, want)
		}
		if again := d.state.segmentStates(); again != nil {
			t.Errorf("looking again decides %+v", again)
		}
	}
	follow(true, schemas.StateSegmentGone)
	follow(false, schemas.StateLive)
	definition := schemas.Definition{SourceSegmentID: "vip", Suppress: []string{"nobody"}}
	if why := d.state.refusedBySegments(&definition); why == nil || why.Code != schemas.CodeUnknownSegment {
		t.Errorf("an unknown segment is refused with %+v", why)
	}
	d.state.segments["nobody"] = &schemas.Segment{Gone: true}
	if why := d.state.refusedBySegments(&definition); why == nil || why.Code != schemas.CodeSegmentGone {
		t.Errorf("a segment that is gone is refused with %+v", why)
	}
}
