package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"
)

// Server are the settings of serve: what the process does, and what it refuses.
type Server struct {
	Embedded   string   // folder of the embedded Kafka; empty: a Kafka and a Redis of one's own
	Roles      []string // shards, control
	HTTP       string   // address to listen on; empty: none
	TokenFile  string   // file of the token that HTTP asks for; needed beyond loopback
	Partitions int      // of profiles and all topics beside it, fixed for a prefix
	MinSource  int      // source members with a profile; fewer are refused
	WarnSource int      // fewer bring a warning
}

// Flags declares the settings of serve.
func (s *Server) Flags(flags *pflag.FlagSet) {
	own := flagsOf(flags)
	own.StringVar(&s.Embedded, "embedded", "", "run Kafka (kept in this folder) and Redis in this process, listening on --kafka and --redis")
	own.StringSliceVar(&s.Roles, "roles", []string{"shards", "control"}, "what this process does: shards, control or both")
	own.StringVar(&s.HTTP, "http", "127.0.0.1:8080", "address of the HTTP server; empty for none")
	own.StringVar(&s.TokenFile, "token-file", "", "file with the token that HTTP asks for; needed to listen beyond this machine")
	own.IntVar(&s.MinSource, "min-source", 25, "refuse to learn from fewer source members with a profile")
	own.IntVar(&s.WarnSource, "warn-source", 100, "warn when there are fewer than these")
	PartitionFlag(own.FlagSet, &s.Partitions)
	own.mark()
}

// PartitionFlag declares --partitions.
func PartitionFlag(flags *pflag.FlagSet, partitions *int) {
	own := flagsOf(flags)
	own.IntVar(partitions, "partitions", 12, "number of shards, fixed for a prefix")
	own.mark()
}

// Does reports whether the process has a role.
func (s *Server) Does(role string) bool {
	return slices.Contains(s.Roles, role)
}

// Check returns an error when a setting is not possible. It names the flag.
func (s *Server) Check() error {
	if len(s.Roles) == 0 {
		return fmt.Errorf("--roles is empty: want shards, control or both")
	}
	for _, role := range s.Roles {
		if role != "shards" && role != "control" {
			return fmt.Errorf("--roles %q: want shards, control or both", role)
		}
	}
	if err := CheckPartitions(s.Partitions); err != nil {
		return err
	}
	if s.MinSource < 1 {
		return fmt.Errorf("--min-source %d: want at least 1", s.MinSource)
	}
	if s.WarnSource < 0 {
		return fmt.Errorf("--warn-source %d: want 0 or more", s.WarnSource)
	}
	if s.HTTP == "" {
		return nil
	}
	if err := checkAddress("http", s.HTTP); err != nil {
		return err
	}
	if s.TokenFile == "" && !Loopback(s.HTTP) {
		return fmt.Errorf("--http %s can be reached from other machines: it needs --token-file", s.HTTP)
	}
	return nil
}

// CheckPartitions returns an error when there cannot be so many partitions.
func CheckPartitions(partitions int) error {
	if partitions < 1 || partitions > 1024 {
		return fmt.Errorf("--partitions %d: want 1 to 1024", partitions)
	}
	return nil
}

// Loopback reports whether an address can be reached from this machine only. A name other than localhost is not looked up:
// it counts as reachable from elsewhere.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
