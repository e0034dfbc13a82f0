package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manual makes the command that writes man pages. It is for those who package kindred.
func (p *program) manual() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write a man page for each command to a folder",
		Long: "Write a man page for each command to a folder, such as kindred.1 and kindred-export.1.\n\n" +
			"With man: man -l DIR/kindred.1",
		Example: "  kindred man /usr/local/share/man/man1",
		Args:    named("DIR"),
		Hidden:  true,
		RunE: func(command *cobra.Command, arguments []string) error {
			dir := arguments[0]
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			pages := 0
			var failed error
			walk(command.Root(), func(c *cobra.Command) {
				if failed != nil || !c.IsAvailableCommand() && c != command.Root() {
					return
				}
				pages++
				failed = os.WriteFile(filepath.Join(dir, manName(c)+".1"), []byte(manPage(c)), 0o644)
			})
			if failed != nil {
				return failed
			}
			return p.print(map[string]any{"folder": dir, "pages": pages}, func() { p.out.Line("%d pages in %s", pages, dir) })
		},
	}
}

// manName returns what the page of a command is called.
func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage returns the page of a command, for man's macros (man(7)).
func manPage(c *cobra.Command) string {
	var b strings.Builder
	line := func(format string, arguments ...any) { fmt.Fprintf(&b, format+"\n", arguments...) }
	line(`.TH "%s" "1" "" "kindred %s" "kindred"`, strings.ToUpper(roff(manName(c))), roff(thisBuild().Version))
	line(".SH NAME\n%s \\- %s", roff(manName(c)), roff(c.Short))
	line(".SH SYNOPSIS\n\\fB%s\\fR%s", roff(c.CommandPath()), roff(strings.TrimPrefix(c.UseLine(), c.CommandPath())))
	line(".SH DESCRIPTION")
	for i, paragraph := range strings.Split(describing(c), "\n") {
		switch {
		case strings.TrimSpace(paragraph) == "":
			line(".PP")
		case strings.HasPrefix(paragraph, " "):
			line(".nf\n%s\n.fi", roff(paragraph))
		default:
			if i > 0 {
				line(".br")
			}
			line("%s", roff(paragraph))
		}
	}
	manFlags(&b, "OPTIONS", c.NonInheritedFlags())
	manFlags(&b, "SETTINGS", c.InheritedFlags())
	if c.Example != "" {
		line(".SH EXAMPLES\n.nf\n%s\n.fi", roff(c.Example))
	}
	var others []string
	if c.HasParent() {
		others = append(others, manName(c.Parent()))
	}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			others = append(others, manName(sub))
		}
	}
	for i, other := range others {
		others[i] = `\fB` + roff(other) + `\fR(1)`
	}
	line(".SH SEE ALSO\n%s", strings.Join(others, ",\n"))
	return b.String()
}

func describing(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + name
		}
		if value != "" {
			name += ` \fI` + roff(value) + `\fR`
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, ".TP\n%s\n%s\n", name, roff(usage))
	})
}

// roff returns text as roff prints it: no line of it is a command, and a dash is one that can be copied.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`).Replace(text)
	var ascii strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			ascii.WriteRune(r)
		} else {
			fmt.Fprintf(&ascii, `\[u%04X]`, r)
		}
	}
	lines := strings.Split(ascii.String(), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
