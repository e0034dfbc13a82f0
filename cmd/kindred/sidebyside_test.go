package main

import (
	"fmt"
	"testing"

	"kindred/schemas"
)

// TestKilledWhileRunsLearnSideBySide: a data event refreshes several expansions, one of which builds on another. The only process is
// killed while some of them learn, and loses its cache; somebody asks for one more beside them. In the end everybody is where one
// quiet pass puts them.
func TestKilledWhileRunsLearnSideBySide(t *testing.T) {
	everywhere(t, func(w *world) {
		expansions := []string{"one", "two", "three", "beyond"}
		begin := func(w *world) {
			w.declare()
			source := vips(0, crowd)
			for i, id := range expansions[:3] {
				w.segment("of-"+id, `"added":%s`, source[i*len(source)/6:(i+3)*len(source)/6])
			}
			w.bring(0, crowd)
			for _, id := range expansions[:3] {
				w.successful(id, fmt.Sprintf(`"action":"expand","sourceSegmentId":"of-%s","share":0.3`, id))
			}
			w.successful("beyond", `"action":"expand","sourceSegmentId":"one","suppress":["two"],"share":0.5,"floor":0`)
			w.agree()
		}
		change := func(w *world) {
			for number := 0; number < crowd; number += 20 {
				w.profile(customer(number), customer((number+crowd/2)%crowd))
			}
			w.say(schemas.DataEvents, "shop", `{"batchId":"b-1"}`)
		}

		p := w.start()
		begin(w)
		from := w.end(schemas.Runs)
		change(w)
		learn, most := map[string]bool{}, 0
		w.hear(from, func(r schemas.Run) bool {
			if delete(learn, r.RunID); r.Stage == schemas.Reading || r.Stage == schemas.Training || r.Stage == schemas.Scoring {
				learn[r.RunID] = true
			}
			most = max(most, len(learn))
			return len(learn) > 1 || r.ExpansionID == "beyond" && r.Status.Final()
		})
		p.kill()
		w.Logf("%d runs have learned at a time before the kill", most)
		w.forget()
		own := w.request("own", `"action":"expand","sourceSegmentId":"of-two","share":0.1`)
		w.start()
		ended := map[string]schemas.Status{}
		w.hear(from, func(r schemas.Run) bool {
			if r.Status.Final() {
				ended[r.RunID] = r.Status
			}
			return len(ended) == len(expansions)+1
		})
		for _, id := range append([]string{own}, "one/shop/b-1", "two/shop/b-1", "three/shop/b-1", "beyond/shop/b-1") {
			if ended[id] != schemas.Successful {
				w.Errorf("run %s is %s", id, ended[id])
			}
		}
		w.agree()

		quiet := w.another()
		quiet.serve()
		begin(quiet)
		from = quiet.end(schemas.Runs)
		change(quiet)
		quiet.await(from, func(r schemas.Run) bool { return r.ExpansionID == "beyond" })
		quiet.successful("own", `"action":"expand","sourceSegmentId":"of-two","share":0.1`)
		quiet.agree()
		quiet.same("killed in between and in peace", w.market.places(), quiet.market.places())
	})
}
