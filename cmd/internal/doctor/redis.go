package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Shares of the memory that Redis may take.
const (
	muchMemory    = 0.75
	tooMuchMemory = 0.9
)

// redis says which Redis it is, and whether it keeps what it is given.
func (i *Installation) redis(ctx context.Context) (found []Finding, err error) {
	if err := i.Cache.Ping(ctx); err != nil {
		return nil, err
	}
	servers, err := i.Cache.Info(ctx)
	if err != nil && strings.Contains(err.Error(), "NOPERM") {
		return []Finding{{State: Note, Text: "Redis answers, but this user may not ask for its version, policy and memory", Try: "allow the user +info"}}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, info := range servers {
		found = append(found, i.server(info)...)
	}
	return found, nil
}

// server judges what one server says of itself.
func (i *Installation) server(info map[string]string) (found []Finding) {
	version := info["redis_version"]
	if version == "" {
		return []Finding{{State: OK, Text: "Redis answers; it does not tell its version, policy and memory, as the embedded one does not"}}
	}
	of := "Redis " + version
	if port := info["tcp_port"]; info["redis_mode"] == "cluster" && port != "" {
		of += " (cluster, port " + port + ")"
	}
	if info["redis_mode"] == "cluster" && i.OneRedis {
		found = append(found, Finding{State: Problem, Text: of + " is one server of a cluster, and only its address is known",
			Try: "give --redis several addresses of the cluster: then it is used as one"})
	}
	if info["role"] == "slave" {
		found = append(found, Finding{State: Problem, Text: of + " is a replica: it takes no writes", Try: "give --redis the address of the master"})
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		found = append(found, Finding{State: Problem, Text: fmt.Sprintf("%s evicts keys by itself (maxmemory-policy %s): shards would be rebuilt again and again", of, policy),
			Try: "CONFIG SET maxmemory-policy noeviction, and the same in its configuration"})
	}
	if info["loading"] == "1" {
		found = append(found, Finding{State: Note, Text: of + " is still loading its data"})
	}
	memory := i.memory(of, info)
	if found != nil && memory.State == OK {
		return found
	}
	return append(found, memory)
}

// memory judges how much of its memory a server has used.
func (i *Installation) memory(of string, info map[string]string) Finding {
	number := func(name string) float64 { n, _ := strconv.ParseFloat(info[name], 64); return n }
	used, most, limit := number("used_memory"), number("maxmemory"), "maxmemory"
	if most == 0 {
		most, limit = number("total_system_memory"), "all that the machine has: maxmemory is not set"
	}
	text := fmt.Sprintf("%s uses %s", of, bytesOf(used))
	if most == 0 {
		return Finding{State: OK, Text: text}
	}
	text += fmt.Sprintf(" of %s (%s)", bytesOf(most), limit)
	switch share := used / most; {
	case share > tooMuchMemory:
		return Finding{State: Problem, Text: text + ": when it is full nothing can be saved any more", Try: "more memory for Redis, or fewer expansions and fields; docs/operations.md tells what takes how much"}
	case share > muchMemory:
		return Finding{State: Note, Text: text}
	}
	return Finding{State: OK, Text: text}
}

// bytesOf writes a number of bytes in a unit that suits it.
func bytesOf(n float64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	unit := 0
	for n >= 1000 && unit < len(units)-1 {
		n /= 1000
		unit++
	}
	return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0") + " " + units[unit]
}
