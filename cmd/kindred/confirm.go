package main

import (
	"bufio"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"kindred/cmd/internal/terminal"
)

// confirmation is --yes, or what a person at the terminal answers.
type confirmation struct{ yes bool }

func (c *confirmation) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&c.yes, "yes", false, "do not ask")
}

// possible returns a usage error when there is neither --yes nor anybody who could be asked whether something is to be done.
func (c *confirmation) possible(whether, try string) error {
	if c.yes || term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return usage("nobody can be asked here whether "+whether, try)
}

// given asks, unless --yes has answered already, and reports whether the answer is yes.
func (c *confirmation) given(screen terminal.Screen, question string) bool {
	return c.yes || confirmed(screen, os.Stdin, question)
}

// confirmed asks a person, and reports whether the answer is yes.
func confirmed(screen terminal.Screen, from io.Reader, question string) bool {
	screen.Ask(question)
	answer, _ := bufio.NewReader(from).ReadString('\n') // no answer is a no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
