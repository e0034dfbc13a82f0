package main

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"kindred/schemas"
)

// Whoever writes profiles chooses the names, and a label with a thousand values is a thousand metrics.
func TestUnknownPropertiesAreCountedBySoManyNames(t *testing.T) {
	c := newCounts("t.")
	c.unknowns([][]byte{[]byte("shares"), []byte("x")})
	for i := range 1000 {
		c.unknowns([][]byte{[]byte("shares"), fmt.Appendf(nil, "p%d", i), bytes.Repeat([]byte("long"), 100)})
	}
	sum := int64(0)
	for _, n := range c.unknown {
		sum += n
	}
	if len(c.unknown) > mostNames+1 || c.unknown["shares"] != 1001 || c.unknown["x"] != 1 || sum != 3002 {
		t.Errorf("%d names, %d in all: %v", len(c.unknown), sum, c.unknown)
	}
}

func TestStagesOfRunsThatOverlapAreCountedEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCounts("t.")
		event := func(id string, status schemas.Status, stage schemas.Stage) {
			c.event(schemas.Run{RunID: id, Cause: schemas.CauseExpand, Status: status, Stage: stage, At: time.Now()})
		}
		event("waits", schemas.Processing, schemas.Publishing)
		time.Sleep(time.Second)
		event("learns", schemas.Processing, schemas.Training)
		time.Sleep(time.Second)
		event("waits", schemas.Processing, schemas.Publishing) // a heartbeat
		event("learns", schemas.Processing, schemas.Publishing)
		time.Sleep(3 * time.Second)
		event("waits", schemas.Successful, "")
		event("learns", schemas.Failed, "")
		if got := c.stages[schemas.Training]; got != (stageTime{time.Second, 1}) {
			t.Errorf("training took %+v", got)
		}
		if got := c.stages[schemas.Publishing]; got != (stageTime{8 * time.Second, 2}) {
			t.Errorf("publishing took %+v", got)
		}
		for i := range 3 * mostRuns {
			event(time.Duration(i).String(), schemas.Processing, schemas.Training)
		}
		if len(c.present) > mostRuns {
			t.Errorf("%d runs are remembered", len(c.present))
		}
	})
}
