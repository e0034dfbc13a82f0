package consumers

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func members(names ...string) []candidate {
	var all []candidate
	for i, name := range names {
		all = append(all, candidate{id: fmt.Sprint("id-", i), claim: claim{Name: name}})
	}
	return all
}

func TestShardsAreDividedByName(t *testing.T) {
	plan := assign(members("b", "a"), 5, false)
	if !slices.Equal(plan["id-1"], []int{0, 1, 2}) || !slices.Equal(plan["id-0"], []int{3, 4}) {
		t.Errorf("a gets the first and the larger part, but the plan is %v", plan)
	}
}

func TestWhoJoinsTakesOnlyWhatIsOverThePart(t *testing.T) {
	three := members("a", "b", "c")
	three[0].claim = claim{Name: "a", Generation: 4, Shards: []int{1, 3, 5}}
	three[2].claim = claim{Name: "c", Generation: 4, Shards: []int{0, 2, 4}}
	plan := assign(three, 6, false)
	want := map[string][]int{"id-0": {1, 3}, "id-1": {4, 5}, "id-2": {0, 2}}
	if !maps.EqualFunc(plan, want, slices.Equal) {
		t.Errorf("got %v, want %v", plan, want)
	}
}

func TestTheLatestClaimCounts(t *testing.T) {
	two := members("a", "b")
	two[0].claim = claim{Name: "a", Generation: 3, Shards: []int{0, 1, 2, 3}} // was away while b got some of them
	two[1].claim = claim{Name: "b", Generation: 9, Shards: []int{1, 2}}
	plan := assign(two, 4, false)
	if !slices.Equal(plan["id-1"], []int{1, 2}) || !slices.Equal(plan["id-0"], []int{0, 3}) {
		t.Errorf("b keeps 1 and 2, but the plan is %v", plan)
	}
}

func TestWholeGoesToWhoHasItThenToTheFirstName(t *testing.T) {
	two := members("b", "a")
	if plan := assign(two, 2, true); len(plan["id-1"]) != 2 || len(plan["id-0"]) != 0 {
		t.Errorf("a is first, but the plan is %v", plan)
	}
	two[0].claim = claim{Name: "b", Generation: 2, Shards: []int{0, 1}}
	if plan := assign(two, 2, true); len(plan["id-0"]) != 2 || len(plan["id-1"]) != 0 {
		t.Errorf("b has it, but the plan is %v", plan)
	}
}

func TestAForeignClaimIsNone(t *testing.T) {
	if c := readClaim("x", []byte("\x00\x01what")); c.id != "x" || c.Name != "" || c.Shards != nil {
		t.Errorf("got %+v", c)
	}
}

// Whatever members claim: every shard has one owner, parts differ by at most one, nobody loses more than needed, and
// the order in which members are listed does not matter.
func TestAssignAlwaysDivides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.IntRange(1, 20).Draw(t, "shards")
		count := rapid.IntRange(1, 6).Draw(t, "members")
		whole := rapid.Bool().Draw(t, "whole")
		var all []candidate
		for i := range count {
			all = append(all, candidate{id: fmt.Sprint("id-", i), claim: claim{
				Name:       rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"),
				Generation: int32(rapid.IntRange(0, 3).Draw(t, "generation")),
				Shards:     rapid.SliceOfN(rapid.IntRange(-2, 25), 0, 8).Draw(t, "held"),
			}})
		}
		plan := assign(all, shards, whole)

		owned := make([]int, shards)
		least, largest := shards, 0
		for _, mine := range plan {
			if !slices.IsSorted(mine) {
				t.Fatalf("%v is not ascending", mine)
			}
			for _, shard := range mine {
				owned[shard]++
			}
			least, largest = min(least, len(mine)), max(largest, len(mine))
		}
		if i := slices.IndexFunc(owned, func(n int) bool { return n != 1 }); i >= 0 {
			t.Fatalf("shard %d has %d owners", i, owned[i])
		}
		if !whole && largest-least > 1 {
			t.Fatalf("uneven: %v", plan)
		}
		slices.Reverse(all)
		if again := assign(all, shards, whole); !maps.EqualFunc(plan, again, slices.Equal) {
			t.Fatalf("%v in one order, %v in another", plan, again)
		}
	})
}

// A member that holds its part of a settled group keeps it when nothing changes, and what it kept when others come or go.
func TestAssignIsSticky(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shards := rapid.IntRange(1, 20).Draw(t, "shards")
		count := rapid.IntRange(1, 6).Draw(t, "members")
		var all []candidate
		for i := range count {
			all = append(all, candidate{id: fmt.Sprint("id-", i), claim: claim{Name: fmt.Sprint("name-", i)}})
		}
		plan := assign(all, shards, false)
		for i := range all {
			all[i].claim = claim{Name: all[i].Name, Generation: 1, Shards: plan[all[i].id]}
		}
		if again := assign(all, shards, false); !maps.EqualFunc(plan, again, slices.Equal) {
			t.Fatalf("nothing changed, but %v became %v", plan, again)
		}
		gone := rapid.IntRange(0, count-1).Draw(t, "gone")
		rest := slices.Delete(slices.Clone(all), gone, gone+1)
		if len(rest) == 0 {
			return
		}
		for id, mine := range assign(rest, shards, false) {
			for _, shard := range plan[id] {
				if !slices.Contains(mine, shard) {
					t.Fatalf("%s lost shard %d although somebody left", id, shard)
				}
			}
		}
	})
}
