package doctor

import (
	"maps"
	"strings"
	"testing"
)

func TestARedisThatForgetsOrRefusesIsAProblem(t *testing.T) {
	good := map[string]string{
		"redis_version": "7.2.4", "redis_mode": "standalone", "role": "master", "maxmemory_policy": "noeviction",
		"used_memory": "400000000", "maxmemory": "1000000000", "tcp_port": "6379",
	}
	check := func(state State, words string, changes ...string) {
		t.Helper()
		info := maps.Clone(good)
		for i := 0; i < len(changes); i += 2 {
			info[changes[i]] = changes[i+1]
		}
		found := (&Installation{OneRedis: true}).server(info)
		for _, f := range found {
			if f.State == state && strings.Contains(f.Text, words) && (f.State != Problem || f.Try != "") {
				return
			}
		}
		t.Errorf("%v: no %s says %q: %+v", changes, state, words, found)
	}
	check(OK, "Redis 7.2.4 uses 400 MB of 1 GB (maxmemory)")
	check(Note, "uses 800 MB of 1 GB", "used_memory", "800000000")
	check(Problem, "when it is full nothing can be saved", "used_memory", "950000000")
	check(Problem, "evicts keys by itself (maxmemory-policy allkeys-lru)", "maxmemory_policy", "allkeys-lru")
	check(Problem, "is a replica", "role", "slave")
	check(Problem, "is one server of a cluster", "redis_mode", "cluster")
	check(Note, "still loading", "loading", "1")
	check(OK, "of 8 GB (all that the machine has", "maxmemory", "0", "total_system_memory", "8000000000")
	check(OK, "does not tell its version", "redis_version", "")
}
