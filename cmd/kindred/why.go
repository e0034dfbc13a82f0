package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) why() *cobra.Command {
	return &cobra.Command{
		Use:   "why ID CUSTOMER",
		Short: "Explain why a customer is a member of an expansion, or is none",
		Long: "Explain why a customer is a member of an expansion, or is none: the score and the cut, what raises and what lowers the score\n" +
			"beside other customers, which single changes would bring the customer in, and how the membership has changed so far, as far\n" +
			"back as the log reaches. \"×2.3\" says that the value makes it 2.3 times as likely that somebody is like the source.\n\n" +
			"It shows what is known of one person: who may not see profiles should not see this.",
		Example: "  kindred why vip-expansion c-17",
		Args:    named("ID", "CUSTOMER"),
		RunE: func(command *cobra.Command, arguments []string) error {
			id, customer := arguments[0], arguments[1]
			if err := canBeExpansion(command, id); err != nil {
				return err
			}
			if err := schemas.ValidCustomerID([]byte(customer)); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			found, err := p.explain(command.Context(), id, customer)
			if err != nil {
				return err
			}
			return p.print(found, func() { drawWhy(p.out, found) })
		},
	}
}

// explain finds out how a customer stands to an expansion. When what the cache says is old it says so.
func (p *program) explain(ctx context.Context, id, customer string) (*reading.Why, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	book, err := c.book(ctx, schemas.Expansions)
	if err != nil {
		return nil, err
	}
	if _, err := (&reading.Facts{Book: book}).Committed(id); err != nil { // before Redis is asked
		return nil, err
	}
	facts, close, err := p.factsOf(ctx, c, book)
	if err != nil {
		return nil, err
	}
	defer close()
	why, err := facts.Why(ctx, id, customer)
	if err == nil {
		p.tellAge(why.AsOf)
	}
	return why, err
}

// drawWhy shows how a customer stands to an expansion.
func drawWhy(screen terminal.Screen, e *reading.Why) {
	screen.Heading(e.Name, e.ExpansionID)
	screen.Say(e.CustomerID + " " + e.Message + ".")
	if e.Score != nil {
		screen.Say(fmt.Sprintf("Score %.4f, %s; floor %v, cut %.4f.", *e.Score, e.Band, e.Floor, e.Cut))
	}
	drawReasons(screen, e.Reasons, "Raises the score", terminal.Raises)
	drawReasons(screen, e.Reasons, "Lowers the score", terminal.Lowers)
	if len(e.WouldBring) > 0 {
		screen.Title("Would bring the customer in", "one of these, all else as it is")
		var rows [][]string
		for _, c := range e.WouldBring {
			rows = append(rows, []string{c.Field, c.Value, fmt.Sprintf("%.4f", c.Score)})
		}
		screen.Table([]string{"field", "value", "#score"}, rows)
	}
	drawHistory(screen, e.History)
	screen.Line("")
}

// drawReasons draws the weightiest reasons of one direction.
func drawReasons(screen terminal.Screen, reasons []reading.Reason, title string, is func(lift float64) bool) {
	const most = 6
	var rows [][]string
	for _, r := range reasons {
		if is(r.Lift) && len(rows) < most {
			rows = append(rows, []string{r.Field, r.Value, terminal.Odds(r.Lift)})
		}
	}
	if rows != nil {
		screen.Title(title, "beside other customers")
		screen.Table([]string{"field", "value", "#odds"}, rows)
	}
}

// causes say in words why a membership changed.
var causes = map[string]string{
	schemas.ByRun: "a run", schemas.ByProfile: "the profile changed", schemas.BySegment: "a segment changed", schemas.ByConsent: "consent was withdrawn",
	schemas.ByErasure: "the profile was erased", schemas.ByDelete: "the expansion was deleted", schemas.ByRepair: "a repair",
}

func drawHistory(screen terminal.Screen, history []reading.Past) {
	if len(history) == 0 {
		return
	}
	screen.Title("History", "as far back as the log reaches")
	var rows [][]string
	for _, m := range history {
		scored, cause := "-", causes[m.Cause]
		if m.Score != nil {
			scored = fmt.Sprintf("%.4f", *m.Score)
		}
		if cause == "" {
			cause = m.Cause
		}
		rows = append(rows, []string{clock(m.At), m.Change, scored, m.Band, cause, m.RunID})
	}
	screen.Table([]string{"when", "", "#score", "band", "cause", "model of run"}, rows)
}
