package main

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/table"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

// completeWithin is how long Kafka may take to say which ids there are, while somebody waits at the keyboard.
const completeWithin = 2 * time.Second

// What ids a shell completes.
const (
	ofSegments   = 1 << iota // that upstream has published
	ofExpansions             // that were not deleted
)

// completeIDs gives the commands and flags that take ids to the shell's completion.
func (p *program) completeIDs(root *cobra.Command) {
	for kind, names := range map[int][]string{
		ofExpansions:              {"edit", "refresh", "cancel", "rename", "delete", "show", "runs", "members", "export", "why", "compare", "verify"},
		ofSegments | ofExpansions: {"expand", "fields"},
	} {
		for _, name := range names {
			command, _, err := root.Find([]string{name})
			if err != nil {
				panic(err) // a command that is not there any more
			}
			most := 1
			if name == "compare" {
				most = 2
			}
			command.ValidArgsFunction = func(command *cobra.Command, before []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
				if len(before) >= most {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return p.ids(command, kind), cobra.ShellCompDirectiveNoFileComp
			}
		}
	}
	walk(root, func(c *cobra.Command) {
		for _, flag := range []string{"within", "suppress", "segment"} {
			if c.LocalNonPersistentFlags().Lookup(flag) != nil {
				_ = c.RegisterFlagCompletionFunc(flag, func(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
					kind := ofSegments | ofExpansions
					if flag == "segment" { // which is published
						kind = ofSegments
					}
					return p.ids(command, kind), cobra.ShellCompDirectiveNoFileComp
				})
			}
		}
		if c.Name() == "export" {
			_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(table.Formats, cobra.ShellCompDirectiveNoFileComp))
		}
	})
}

// ids asks Kafka which ids there are, with their names. What goes wrong is not said: the line under the cursor would be spoilt.
func (p *program) ids(command *cobra.Command, kind int) (all []cobra.Completion) {
	silent := *p
	silent.aside, silent.log = terminal.Screen{W: io.Discard}, slog.New(slog.DiscardHandler)
	if silent.readSettings(command, nil) != nil {
		return nil
	}
	silent.log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
	defer cancel()
	c, err := silent.connect(ctx)
	if err != nil {
		return nil
	}
	defer c.close()
	book, err := c.book(ctx, schemas.Segments, schemas.Expansions)
	if err != nil {
		return nil
	}
	if kind&ofSegments != 0 {
		for _, s := range book.Segments() {
			if !s.Gone {
				all = append(all, cobra.CompletionWithDesc(s.SegmentID, terminal.Plain(s.Name)))
			}
		}
	}
	if kind&ofExpansions != 0 {
		for _, e := range book.Expansions() {
			if e.State != schemas.StateDeleted && !e.OnlyTried() {
				all = append(all, cobra.CompletionWithDesc(e.ExpansionID, terminal.Plain(e.Name)))
			}
		}
	}
	slices.Sort(all)
	return all
}
