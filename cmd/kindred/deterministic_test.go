package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kindred/cmd/internal/demo"
	"kindred/pipeline/model"
	"kindred/pipeline/oracle"
	"kindred/pipeline/testkit"
	"kindred/schemas"
	"kindred/schemas/wire"
)

// TestTheSameInputsGiveTheSameModel: whatever the number of processes and of shards, and in whatever order customers and members
// of the source arrive, the model is the same to the byte, crosses included, and so are the members.
func TestTheSameInputsGiveTheSameModel(t *testing.T) {
	testkit.NotShort(t)
	everywhere(t, func(w *world) {
		fewer := w.settings
		fewer.Prefix += "fewer."
		var first map[string]string
		var members map[string]oracle.Place
		for i, in := range []struct {
			world             *world
			processes, shards int
		}{
			{w, 1, shardsOfAWorld}, {w.another(), 2, shardsOfAWorld}, {w.another(), 3, shardsOfAWorld},
			{newWorldOf(w.TB, testkit.Longest, w.addresses, fewer, 5), 2, 5},
		} {
			learned := in.world.learnShuffled(uint64(i), in.processes, in.shards)
			places := in.world.market.places()
			if first == nil {
				first, members = learned, places
			}
			whose := fmt.Sprintf("%d processes with %d shards, and one with %d", in.processes, in.shards, shardsOfAWorld)
			for property, value := range first {
				if learned[property] != value {
					w.Errorf("%s: in the model, %s differs:\n%.300s\n%.300s", whose, property, learned[property], value)
				}
			}
			in.world.same(whose, places, members)
		}
		var crosses []model.Cross
		w.OK(json.Unmarshal([]byte(first["crosses"]), &crosses))
		if len(crosses) < 2 || len(members) == 0 {
			w.Errorf("it has learned %d crosses, and found %d members", len(crosses), len(members))
		}
	})
}

// learnShuffled shares the shards among some processes, and expands a source whose members and customers arrive in an order of
// this seed. It returns the model by property, as it was published, without what tells one run from another.
func (w *world) learnShuffled(seed uint64, processes, shards int) map[string]string {
	w.Helper()
	for range processes {
		defer w.start("--partitions", fmt.Sprint(shards)).end()
	}
	w.wait("all processes to have shards", func() string {
		given := w.members("shards")
		if given.settled && len(given.Members) == processes &&
			!slices.ContainsFunc(given.Members, func(m groupMember) bool { return m.shards == 0 }) {
			return ""
		}
		return "not yet"
	})
	random := rand.New(rand.NewPCG(seed, 1))
	const customers = 6_000
	var arriving []int // each customer twice
	for i := range 2 * customers {
		arriving = append(arriving, i%customers)
	}
	shuffle := func(list []int) {
		random.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	}
	shuffle(arriving)
	var source []int
	for number := range customers {
		if _, vip := paired(number, 1); vip {
			source = append(source, number)
		}
	}
	shuffle(source)
	came := map[int]int{} // how often, by customer
	for part := range slices.Chunk(source, 700) {
		w.bringPaired(arriving[:len(arriving)/8], came)
		arriving = arriving[len(arriving)/8:]
		var ids []string
		for _, number := range part {
			ids = append(ids, customer(number))
		}
		w.segment("vip", `"added":%s`, ids)
	}
	w.bringPaired(arriving, came)
	w.successful("more", `"action":"expand","sourceSegmentId":"vip","share":0.3`)
	w.market.consume()

	var found map[string]json.RawMessage
	w.All(schemas.Models, shards, func(r *wire.Record) {
		var again map[string]json.RawMessage
		w.OK(json.Unmarshal(r.Value, &again))
		found = again
	})
	learned := map[string]string{}
	for property, value := range found {
		if !slices.Contains([]string{"epoch", "runId", "startedAt"}, property) {
			learned[property] = string(value)
		}
	}
	return learned
}

// bringPaired produces a profile of each of these customers: an old one of who has not come yet, else the present one.
func (w *world) bringPaired(numbers []int, came map[int]int) {
	w.Helper()
	f, err := w.flood(w.Ctx, w.kafka, schemas.Profiles)
	w.OK(err)
	for _, number := range numbers {
		profile, _ := paired(number, came[number])
		came[number]++
		if err = f.add(demo.AppendID(nil, number), profile); err != nil {
			break
		}
	}
	w.OK(f.finish(err))
}

// paired makes up a version of a customer, who likely is a VIP when two pairs of its fields fit.
func paired(number, version int) (profile []byte, vip bool) {
	random := rand.New(rand.NewPCG(uint64(number), uint64(version)))
	city, plan, color, shoe, age := random.IntN(4), random.IntN(4), random.IntN(5), random.IntN(5), random.IntN(60)
	chance := 0.05
	if city%2 == plan%2 {
		chance += 0.25
	}
	if color%2 == shoe%2 {
		chance += 0.25
	}
	profile = fmt.Appendf(nil, `{"customerId":%q,"fields":{"City":"c%d","Plan":"p%d","Color":"k%d","Shoe":"s%d","Age":%d}}`,
		customer(number), city, plan, color, shoe, age)
	return profile, random.Float64() < chance
}
