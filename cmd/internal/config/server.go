package config

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Server are the settings of serve: what the process does, and what it refuses.
type Server struct {
	Embedded   string        // folder of the embedded Kafka; empty: a Kafka and a Redis of one's own
	Roles      []string      // shards, control
	HTTP       string        // address to listen on; empty: none
	HTTPNames  []string      // host names that requests may come under, beside those of loopback
	HTTPCert   string        // file of the certificate of the HTTP server; empty: no encryption
	HTTPKey    string        // file of its key
	TokenFile  string        // file of the tokens that HTTP asks for; needed beyond loopback
	Instance   string        // name of this process in its groups; empty: see Member
	Session    time.Duration // after so long without a sign of life the shards go to others; 0: 6 s
	Partitions int           // of profiles and all topics beside it, fixed for a prefix
	MinSource  int           // source members with a profile; fewer are refused
	WarnSource int           // fewer bring a warning
	Changes    bool          // write membership-changes, too
	Presets    string        // file of presets of one's own; empty: none
	Flat       bool          // profiles are rows, fixed for a prefix: all properties but customerId and profiling are fields
}

// Flags declares the settings of serve.
func (s *Server) Flags(flags *pflag.FlagSet) {
	own := flagsOf(flags)
	own.StringVar(&s.Embedded, "embedded", "", "run Kafka (kept in this folder) and Redis in this process, listening on --kafka and --redis")
	own.StringSliceVar(&s.Roles, "roles", []string{"shards", "control"}, "what this process does: shards, control or both")
	own.StringVar(&s.HTTP, "http", "127.0.0.1:8080", "address of the HTTP server; empty for none")
	own.StringVar(&s.Instance, "instance", "", "name of this process, its own and the same at every start; default: host and --embedded or --http")
	own.DurationVar(&s.Session, "session", 6*time.Second, "after so long without a sign of life the shards go to other processes")
	own.StringSliceVar(&s.HTTPNames, "http-name", nil, "host name that HTTP answers to beside localhost, or several; beyond this machine any, unless given")
	own.StringVar(&s.HTTPCert, "http-cert", "", "file of the certificate of the HTTP server (default no encryption)")
	own.StringVar(&s.HTTPKey, "http-key", "", "file of its key, which only you can read")
	own.StringVar(&s.TokenFile, "token-file", "", "file of the tokens that HTTP asks for, NAME TOKEN viewer|editor a line; needed to listen beyond this machine")
	own.IntVar(&s.MinSource, "min-source", 25, "refuse to learn from fewer source members with a profile")
	own.IntVar(&s.WarnSource, "warn-source", 100, "warn when there are fewer than these")
	own.BoolVar(&s.Changes, "changes", false, "write the topic membership-changes, too: every change with a value, for readers that lose nulls")
	own.StringVar(&s.Presets, "presets", "", "file of presets of your own, beside seed and 2020-05; processes that do control need it")
	own.BoolVar(&s.Flat, "flat", false, "profiles are rows: all properties but customerId and profiling are fields; fixed for a prefix")
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
	if err := checkInstance(s.Instance); err != nil {
		return err
	}
	if s.Session != 0 && (s.Session < time.Second || s.Session > 30*time.Minute) {
		return fmt.Errorf("--session %v: want 1s to 30m; most brokers allow no less than 6s", s.Session)
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
	if (s.HTTPCert == "") != (s.HTTPKey == "") {
		return fmt.Errorf("--http-cert and --http-key go together")
	}
	if s.TokenFile == "" && !Loopback(s.HTTP) {
		return fmt.Errorf("--http %s can be reached from other machines: it needs --token-file", s.HTTP)
	}
	return nil
}

// checkInstance returns an error for what Kafka does not take as the name of a member.
func checkInstance(name string) error {
	if strings.Trim(name, letters) != "" || len(name) > longestInstance || name == "." || name == ".." {
		return fmt.Errorf("--instance %q: want at most %d letters, digits, dots, dashes and underscores", name, longestInstance)
	}
	return nil
}

const longestInstance = 200

// Member returns what this process is called in its groups, and whether it will be called so after a restart, too: by
// --instance, else by its host and the folder of the embedded Kafka or the address on which it listens, which no other
// process of the host can have at the same time. Without either it is called by its process id.
func (s *Server) Member(listening string) (name string, lasting bool) {
	if s.Instance != "" {
		return s.Instance, true
	}
	host, err := os.Hostname()
	if err != nil {
		host = "kindred"
	}
	place, lasting := listening, listening != ""
	if s.Embedded != "" {
		if folder, err := filepath.Abs(s.Embedded); err == nil {
			place, lasting = folder, true
		}
	}
	if !lasting {
		place = strconv.Itoa(os.Getpid())
	}
	parts := strings.FieldsFunc(host+"-"+place, func(r rune) bool { return r == '-' || !strings.ContainsRune(letters, r) })
	name = strings.Join(parts, "-")
	return name[max(0, len(name)-longestInstance):], lasting // what tells two processes of a host apart stands at the end
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
