package main

import (
	"context"
	"errors"
	"fmt"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/reading"
)

// Exit codes of the process.
const (
	done        = 0
	failed      = 1
	misused     = 2
	unreachable = 3
)

// failure is an error with its exit code and a way out.
type failure struct {
	code int
	err  error
	try  string // empty: nothing better is known
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usage makes the error of an argument or a setting that is not possible.
func usage(message, try string) error {
	return &failure{code: misused, err: errors.New(message), try: try}
}

// hint adds a way out to an error.
func hint(err error, try string) error { return &failure{code: failed, err: err, try: try} }

// errReported is a failure whose output has been printed already.
var errReported = errors.New("reported already")

// ended prints why a command failed, and returns the exit code.
func (p *program) ended(err error) int {
	var known *failure
	var server *config.Unreachable
	var refused *config.Refused
	var refusal *reading.Refusal
	switch {
	case err == nil:
		return done
	case errors.Is(err, errReported):
		if errors.As(err, &known) {
			return known.code
		}
		return failed
	case errors.As(err, &known):
	case errors.As(err, &refusal):
		known = &failure{code: failed, err: err, try: refusal.Try}
	case errors.As(err, &server):
		known = &failure{code: unreachable, err: err, try: fmt.Sprintf("is it running? --%s names another address, "+
			"kindred serve --embedded DIR starts one", map[string]string{"Kafka": "kafka", "Redis": "redis"}[server.Server])}
	case errors.As(err, &refused):
		known = &failure{code: unreachable, err: err, try: refused.Try}
	case errors.Is(err, context.Canceled):
		known = &failure{code: failed, err: errors.New("interrupted")}
	default:
		known = &failure{code: failed, err: err}
	}
	if p.settings.LogFormat == "json" { // whoever reads the log reads this too
		p.log.Error(known.err.Error(), "try", known.try, "exit", known.code)
		return known.code
	}
	p.aside.Message("kindred: " + known.err.Error())
	if known.try != "" {
		p.aside.Message("try: " + known.try)
	}
	return known.code
}
