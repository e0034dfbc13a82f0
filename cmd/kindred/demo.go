package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/demo"
	"kindred/cmd/internal/embedded"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
)

func (p *program) demo() *cobra.Command {
	var (
		customers int
		once      bool
		server    config.Server
	)
	command := &cobra.Command{
		Use:   "demo",
		Short: "See it work, on made-up customers, with everything in this process",
		Long: "See it work: Kafka and Redis run in this process, customers are made up, a segment of VIPs is expanded before\n" +
			"your eyes, then profiles change and members come and go. Nothing stays behind.",
		Example: "  kindred demo\n" +
			"  kindred demo --once --customers 1000000",
		Args: named(),
		RunE: func(command *cobra.Command, _ []string) error {
			if customers < 1000 || customers > 50_000_000 {
				return usage(fmt.Sprintf("--customers %d: want 1,000 to 50,000,000", customers), command.CommandPath()+" --help")
			}
			if err := server.Check(); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			return p.runDemo(command.Context(), &demoRun{customers: customers, once: once}, server)
		},
	}
	command.Flags().IntVar(&customers, "customers", 100_000, "how many customers to make up")
	command.Flags().BoolVar(&once, "once", false, "end after the first changes")
	command.Flags().StringVar(&server.HTTP, "http", "127.0.0.1:8080", "address of the HTTP server; another port is taken when it is in use")
	config.PartitionFlag(command.Flags(), &server.Partitions)
	server.Roles, server.MinSource, server.WarnSource = []string{"shards", "control"}, 25, 100
	return command
}

// demoRun is one run of the demo.
type demoRun struct {
	customers  int
	once       bool
	made       demo.Customers
	partitions int
	http       string // address of the HTTP server
	taken      string // the one that was asked for, if it is in use
	expansion  string
}

// runDemo starts the servers and the pipeline, goes through the steps of the demo beside them, and stops everything.
func (p *program) runDemo(ctx context.Context, d *demoRun, server config.Server) error {
	d.made, d.expansion, d.partitions = demo.Customers{Seed: 1}, demo.SegmentID+"-expansion", server.Partitions
	pair, err := embedded.Start(ctx, embedded.Options{})
	if err != nil {
		return err
	}
	defer pair.Close()
	p.settings.Kafka, p.settings.Redis = []string{pair.KafkaAddr}, []string{pair.RedisAddr}
	if address := free(server.HTTP); address != server.HTTP {
		server.HTTP, d.taken = address, server.HTTP
	}

	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	started := make(chan string, 1)
	go func() {
		err := serve(serving, service{settings: p.settings, server: server, embedded: true, log: p.quiet(),
			started: func(http string) { started <- http }})
		stop() // without the pipeline there is nothing to see
		ended <- err
	}()
	err = p.demoSteps(serving, d, started)
	stop()
	if broken := <-ended; broken != nil {
		return fmt.Errorf("the pipeline ended: %w", broken)
	}
	if ctx.Err() != nil {
		p.aside.Line("\n  Goodbye. Nothing stays behind.")
		return nil // Ctrl-C is how the demo ends
	}
	return err
}

// quiet returns a log of warnings and errors only.
func (p *program) quiet() *slog.Logger {
	return newLog(p.aside.W, p.settings.LogFormat, max(slog.LevelWarn, p.settings.Level()))
}

// free returns the address or, when it is in use, one with any free port: a demo should not fail for that.
func free(address string) string {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "127.0.0.1:0"
	}
	listener.Close()
	return address
}

// demoSteps is what the demo shows, in order, once the pipeline has started.
func (p *program) demoSteps(ctx context.Context, d *demoRun, started <-chan string) error {
	select {
	case d.http = <-started:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.introduce(d)
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	if err := p.bringCustomers(ctx, c, d); err != nil {
		return err
	}
	if err := p.expandVIPs(ctx, c, d); err != nil {
		return err
	}
	return p.live(ctx, c, d)
}

// introduce says what runs, and who the customers are.
func (p *program) introduce(d *demoRun) {
	p.aside.Line("\n  %s", p.aside.Bold("kindred"))
	p.aside.Say(fmt.Sprintf("Everything runs in this process: Kafka at %s, Redis at %s, the pipeline between them, "+
		"and %s who do not exist. Some of them are VIPs. Who is like them?",
		p.settings.Kafka[0], p.settings.Redis[0], terminal.Count(d.customers, "customer")))
	p.aside.Say("The console shows the same: http://" + d.http)
	if d.taken != "" {
		p.aside.Say(d.taken + " is in use by another program: --http chooses another address.")
	}
	p.aside.Line("")
}

// bringCustomers publishes profiles and the segment of the VIPs, as upstream would.
func (p *program) bringCustomers(ctx context.Context, c *connection, d *demoRun) error {
	if err := c.declare(ctx, demo.Fields()); err != nil {
		return err
	}
	f, err := p.flood(ctx, c, schemas.Profiles)
	if err != nil {
		return err
	}
	begun := time.Now()
	progress := p.aside.Count("profiles", int64(d.customers))
	vips, err := d.publish(f, progress)
	err = f.finish(err)
	if err != nil {
		progress.End("")
		return err
	}
	took := time.Since(begun)
	progress.End(fmt.Sprintf("%s published in %s (%s a second)", terminal.Count(d.customers, "profile"), short(took),
		terminal.Number(int64(float64(d.customers)/took.Seconds()))))
	if _, err := c.snapshot(ctx, demo.SegmentID, demo.SegmentName, vips, func(int64) {}); err != nil {
		return err
	}
	p.aside.Line("  %s %s published: %s", p.aside.Good("✓"), "segment "+demo.SegmentID, terminal.Count(len(vips), "VIP customer"))
	return nil
}

// publish publishes every profile, and returns the ids of the VIPs.
func (d *demoRun) publish(f *flood, progress *terminal.Progress) (vips []string, err error) {
	var id, profile []byte
	for customer := range d.customers {
		id = demo.AppendID(id[:0], customer)
		profile = d.made.AppendProfile(profile[:0], customer)
		if err := f.add(id, profile); err != nil {
			return nil, err
		}
		if d.made.VIP(customer) {
			vips = append(vips, string(id))
		}
		if customer%1000 == 0 {
			progress.At(f.acknowledged.Load())
		}
	}
	return vips, nil
}

// expandVIPs asks for the expansion, waits for it, and shows what came of it.
func (p *program) expandVIPs(ctx context.Context, c *connection, d *demoRun) error {
	source := demo.SegmentID
	request := schemas.ExpandRequest{Action: schemas.Expand, ExpansionID: d.expansion, SourceSegmentID: &source, RequestID: "demo"}
	begun := time.Now()
	run, err := p.runRequest(ctx, c, request, false)
	if err != nil {
		return err
	}
	if run.Status == schemas.Successful {
		p.aside.Line("  %s expanded in %s", p.aside.Good("✓"), short(time.Since(begun)))
	}
	if err := p.result(ctx, c, request, run); err != nil || p.settings.JSON {
		return err
	}
	members, err := p.best(ctx, d.expansion, 5, false)
	if err != nil {
		return err
	}
	p.out.Line("  %s", p.out.Bold("First members"))
	p.out.Members(1, memberships(members))
	p.out.Line("")
	return nil
}
