package consumers

import (
	"cmp"
	"encoding/json"
	"slices"

	"kindred/schemas/broker"
)

// claim is what a member sends when it joins: its name and what it held last.
type claim struct {
	Name       string `json:"name"`
	Generation int32  `json:"generation"`
	Shards     []int  `json:"shards"`
}

// candidate is a member that is about to be given shards.
type candidate struct {
	id string // given by Kafka, random
	claim
}

func (c claim) encode() []byte {
	b, _ := json.Marshal(c) // cannot fail: two numbers and a name
	return b
}

// readClaim reads what a member sent. Another program may have written it: when it cannot be read the member holds nothing.
func readClaim(id string, data []byte) candidate {
	c := candidate{id: id}
	if err := json.Unmarshal(data, &c.claim); err != nil {
		c.claim = claim{}
	}
	return c
}

// NameOf returns how a member of a Group named itself; empty: it did not, or it is not static and joins just now.
func NameOf(m broker.GroupMember) string { return cmp.Or(m.Static, readClaim("", m.UserData).Name) }

// assign divides shards evenly. It returns what each member gets, by member id, ascending. A member keeps what it holds, up
// to its part. The order in which members are listed does not matter. With whole, one member gets all: the one that holds
// something already, else the first by name.
func assign(members []candidate, shards int, whole bool) map[string][]int {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.id, b.id))
	})
	keeps := kept(members, shards)
	parts := even(keeps, shards)
	if whole {
		parts = allToOne(members, keeps, shards)
	}
	plan := make(map[string][]int, len(members))
	given := make([]bool, shards)
	for i, m := range members {
		mine := slices.Clone(keeps[i][:min(len(keeps[i]), parts[i])])
		for _, shard := range mine {
			given[shard] = true
		}
		plan[m.id] = mine
	}
	next := 0
	for i, m := range members {
		for len(plan[m.id]) < parts[i] {
			for given[next] {
				next++
			}
			given[next] = true
			plan[m.id] = append(plan[m.id], next)
		}
		slices.Sort(plan[m.id])
	}
	return plan
}

// kept returns, by member, the claimed shards that it may keep. Of several claims to a shard the one of the latest
// generation counts: a member that was away may send an old one.
func kept(members []candidate, shards int) [][]int {
	keeps := make([][]int, len(members))
	for shard := range shards {
		owner := -1
		for i, m := range members {
			if slices.Contains(m.Shards, shard) && (owner < 0 || m.Generation > members[owner].Generation) {
				owner = i
			}
		}
		if owner >= 0 {
			keeps[owner] = append(keeps[owner], shard)
		}
	}
	return keeps
}

// even returns how many shards each member gets. Those that are left over go to the members that hold most.
func even(keeps [][]int, shards int) []int {
	order := make([]int, len(keeps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(keeps[b]) - len(keeps[a]) })
	parts := make([]int, len(keeps))
	for rank, i := range order {
		parts[i] = shards / len(keeps)
		if rank < shards%len(keeps) {
			parts[i]++
		}
	}
	return parts
}

// allToOne returns how many shards each member gets when one gets all.
func allToOne(members []candidate, keeps [][]int, shards int) []int {
	one := 0
	for i, m := range members {
		if len(keeps[i]) > 0 && (len(keeps[one]) == 0 || m.Generation > members[one].Generation) {
			one = i
		}
	}
	parts := make([]int, len(members))
	parts[one] = shards
	return parts
}
