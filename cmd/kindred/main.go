// Command kindred expands customer segments: it learns what sets the members of a segment apart, and keeps an
// expanded segment of the customers most like them. `kindred demo` shows it on made-up customers.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// program is what all commands share.
type program struct {
	settings config.Settings
	out      terminal.Screen // results
	aside    terminal.Screen // everything else
	log      *slog.Logger    // to the same place as aside
	patience time.Duration   // how long a command that waits endures a Kafka that does not answer; 0: 15 s
}

// run runs the command that the arguments name, and returns the exit code.
func run(ctx context.Context, arguments []string, out, aside io.Writer) int {
	return (&program{out: terminal.On(out), aside: terminal.On(aside)}).run(ctx, arguments)
}

func (p *program) run(ctx context.Context, arguments []string) int {
	p.log = newLog(p.aside.W, "text", slog.LevelInfo) // until the settings are read
	root := p.root()
	root.SetArgs(arguments)
	root.SetOut(p.out.W)
	root.SetErr(p.aside.W)
	return p.ended(root.ExecuteContext(ctx))
}
