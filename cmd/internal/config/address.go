package config

import (
	"fmt"
	"net"
	"strings"
)

// addresses is the value of a flag that takes one address or several. It takes any text, so that nothing which may hold a
// password gets into an error of the flag: Check refuses what is no address.
type addresses struct {
	list  *[]string
	given bool
}

func (a *addresses) String() string {
	if a.list == nil {
		return ""
	}
	return strings.Join(*a.list, ",")
}

func (a *addresses) Type() string { return "addresses" }

// Set takes addresses with commas between them. Given more than once, the flag adds to what it had.
func (a *addresses) Set(text string) error {
	if !a.given {
		*a.list, a.given = nil, true
	}
	for address := range strings.SplitSeq(text, ",") {
		*a.list = append(*a.list, strings.TrimSpace(address))
	}
	return nil
}

// checkAddress refuses what is not host:port. It repeats only what cannot hold a password.
func checkAddress(flag, address string) error {
	if strings.ContainsAny(address, "@/?#") || strings.Count(address, ":") > 1 && !strings.HasPrefix(address, "[") {
		return fmt.Errorf("--%s is not host:port (it is not repeated here, as it may hold a password): %s", flag, wayOut[flag])
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return fmt.Errorf("--%s %q: want host:port", flag, address)
	}
	return nil
}

// wayOut says, by flag, how to say what an address cannot.
var wayOut = map[string]string{
	"kafka": "give host:port, the user with --kafka-user, the password with --kafka-password-file, and --kafka-tls for encryption",
	"redis": "give host:port, the user with --redis-user, the password with --redis-password-file, and --redis-tls for encryption",
	"http":  "give host:port",
}
