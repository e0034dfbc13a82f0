package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/config"
	"kindred/cmd/internal/doctor"
	"kindred/cmd/internal/terminal"
	"kindred/consumers"
	"kindred/schemas"
	"kindred/schemas/broker"
)

func (p *program) doctor() *cobra.Command {
	var partitions int
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether everything is as it should be, and say what to do if not",
		Long: "Looks at Kafka, Redis, the topics, where the keys of profiles lie, who does the work, the caches of the shards and the dead\n" +
			"letters of the last day. It changes nothing and ends within seconds. It ends with 1 when something needs a person, with 3\n" +
			"when Kafka or Redis cannot be reached.",
		Args: named(),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := config.CheckPartitions(partitions); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			if !command.Flags().Changed("partitions") {
				partitions = 0 // as many as there are
			}
			return p.examine(command.Context(), partitions)
		},
	}
	config.PartitionFlag(command.Flags(), &partitions)
	return command
}

// examination is what `doctor` prints.
type examination struct {
	Healthy  bool             `json:"healthy"`
	Findings []doctor.Finding `json:"findings"`
}

// examine prints what there is to say of the installation. What needs a person is an error.
func (p *program) examine(ctx context.Context, partitions int) error {
	i := &doctor.Installation{
		Prefix: schemas.Prefix(p.settings.Prefix), Partitioner: p.settings.Partitioner,
		Partitions: partitions, OneRedis: len(p.settings.Redis) == 1,
	}
	unreached, err := p.reach(ctx, i)
	if err != nil {
		return err
	}
	if i.Cache != nil {
		defer i.Cache.Close()
	}
	result := examination{Findings: append(unreached, i.Examine(ctx)...)}
	if err := ctx.Err(); err != nil {
		return err
	}
	result.Healthy = !slices.ContainsFunc(result.Findings, func(f doctor.Finding) bool { return f.State == doctor.Problem })
	err = p.print(result, func() { result.draw(p.out) })
	switch {
	case err != nil:
		return err
	case len(unreached) > 0:
		return &failure{code: unreachable, err: errReported}
	case !result.Healthy:
		return errReported
	}
	return nil
}

// reachable is how long Kafka and Redis have to answer, whatever the number of their addresses.
const reachable = 5 * time.Second

// reach connects the installation to Kafka and Redis. A finding stands for one that does not answer.
func (p *program) reach(ctx context.Context, i *doctor.Installation) (unreached []doctor.Finding, err error) {
	limited, cancel := context.WithTimeout(ctx, reachable)
	defer cancel()
	cluster, err := p.settings.Cluster(nil) // silent: what is wrong becomes a finding
	if err != nil {
		return nil, &failure{code: misused, err: err}
	}
	kafka := make(chan error, 1)
	go func() { kafka <- p.settings.ReachKafka(limited, cluster) }()
	store, redisErr := p.cache(limited)
	kafkaErr := <-kafka
	for _, tried := range []struct {
		about string
		err   error
	}{{"kafka", kafkaErr}, {"redis", redisErr}} {
		var known *config.Unreachable
		switch {
		case errors.As(tried.err, &known):
			unreached = append(unreached, doctor.Finding{About: tried.about, State: doctor.Problem, Text: known.Error(),
				Try: fmt.Sprintf("is it running, and is --%s its address?", tried.about)})
		case tried.err != nil:
			return nil, tried.err
		}
	}
	if kafkaErr == nil {
		i.Kafka = cluster
		i.Changes = changesAgreed(limited, cluster, i.Prefix)
	}
	i.Cache = store
	return unreached, nil
}

// changesAgreed reports whether the processes of a prefix have agreed to write membership-changes, as far as can be found out.
func changesAgreed(ctx context.Context, cluster *broker.Cluster, prefix schemas.Prefix) bool {
	topic := prefix.Topic(schemas.Settings)
	if found, err := cluster.Topics(ctx, topic); err != nil || found[topic] == 0 {
		return false
	}
	agreed, err := readAgreement(ctx, &consumers.Fetcher{Cluster: cluster}, prefix)
	return err == nil && agreed != nil && agreed.Changes != ""
}

func (e *examination) draw(screen terminal.Screen) {
	screen.Line("")
	problems, notes := 0, 0
	for _, f := range e.Findings {
		tone := 0
		switch f.State {
		case doctor.Problem:
			tone = 2
			problems++
		case doctor.Note:
			tone = 1
			notes++
		}
		screen.Finding(tone, string(f.State), f.About, f.Text, f.Try)
	}
	screen.Line("")
	parts := []string{}
	if problems > 0 {
		parts = append(parts, terminal.Count(problems, "problem")+" for a person")
	}
	if notes > 0 {
		parts = append(parts, terminal.Count(notes, "note"))
	}
	if problems == 0 {
		parts = append([]string{"All is well"}, parts...)
	}
	screen.Say(strings.Join(parts, ", ") + ".")
}
