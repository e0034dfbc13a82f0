package main

import (
	"context"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/config"
	"kindred/producers"
	"kindred/schemas"
)

func (p *program) topics() *cobra.Command {
	command := &cobra.Command{Use: "topics", Short: "Create the topics, say how they differ, or what is in them"}
	asGroup(command)
	command.AddCommand(
		p.onTopics("ensure", "Create the topics that are missing", p.ensure),
		p.onTopics("diff", "Say how the topics differ from what they must be; exit 1 when they do", p.diff),
		p.schema(),
	)
	return command
}

func (p *program) onTopics(name, short string, do func(*cobra.Command, []schemas.Topic) error) *cobra.Command {
	var partitions int
	var changes bool
	command := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  named(),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := config.CheckPartitions(partitions); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			topics := schemas.Topics(partitions)
			there, err := p.topicIsThere(command.Context(), schemas.MembershipChanges)
			if err != nil {
				return err
			}
			if changes || there {
				topics = append(topics, schemas.Changes(partitions))
			}
			return do(command, topics)
		},
	}
	config.PartitionFlag(command.Flags(), &partitions)
	command.Flags().BoolVar(&changes, "changes", false, "membership-changes, too, which serve --changes needs; it is looked at anyway when it is there")
	return command
}

// topicIsThere reports whether there is a topic, named without the prefix.
func (p *program) topicIsThere(ctx context.Context, name string) (bool, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return false, err
	}
	defer c.close()
	topic := c.prefix.Topic(name)
	found, err := c.cluster.Topics(ctx, topic)
	return found[topic] > 0, err
}

func (p *program) ensure(command *cobra.Command, topics []schemas.Topic) error {
	c, err := p.connect(command.Context())
	if err != nil {
		return err
	}
	defer c.close()
	missing, err := differences(command, c, topics)
	if err != nil {
		return err
	}
	if err := producers.Ensure(command.Context(), c.cluster, c.prefix, topics); err != nil {
		return err
	}
	result := struct {
		Created []string `json:"created"`
	}{Created: []string{}}
	for _, d := range missing {
		if d.What == "missing" {
			result.Created = append(result.Created, d.Topic)
		}
	}
	return p.print(result, func() {
		for _, topic := range result.Created {
			p.out.Line("created %s", topic)
		}
		if len(result.Created) == 0 {
			p.out.Line("all topics are there")
		}
	})
}

func (p *program) diff(command *cobra.Command, topics []schemas.Topic) error {
	c, err := p.connect(command.Context())
	if err != nil {
		return err
	}
	defer c.close()
	found, err := differences(command, c, topics)
	if err != nil {
		return err
	}
	err = p.print(found, func() {
		for _, d := range found {
			p.out.Line("%s", d)
		}
		if len(found) == 0 {
			p.out.Line("no difference")
		}
	})
	if err == nil && len(found) > 0 {
		return errReported
	}
	return err
}

// difference is a Difference as it is written as JSON.
type difference struct {
	producers.Difference
	Topic string `json:"topic"`
	What  string `json:"what"`
	Want  string `json:"want"`
	Have  string `json:"have"`
}

func differences(command *cobra.Command, c *connection, topics []schemas.Topic) ([]difference, error) {
	found, err := producers.Diff(command.Context(), c.cluster, c.prefix, topics)
	all := make([]difference, 0, len(found))
	for _, d := range found {
		all = append(all, difference{Difference: d, Topic: d.Topic, What: d.What, Want: d.Want, Have: d.Have})
	}
	return all, err
}
