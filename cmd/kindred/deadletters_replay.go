package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kindred/cmd/internal/reading"
	"kindred/cmd/internal/terminal"
	"kindred/schemas"
	"kindred/schemas/wire"
)

func (p *program) replayLetters() *cobra.Command {
	var filter letterFlags
	var confirm confirmation
	var force bool
	command := &cobra.Command{
		Use:   "replay [OFFSET]",
		Short: "Put records back to where they belong: one, or all of a topic or a reason",
		Long: "Put records back to where they belong: a profile to the partition that --partitioner gives for its key, which heals\n" +
			"wrong_partition, everything else to its own partition. A record is left where it is when a newer one of its key has come\n" +
			"since, so that an old profile never overwrites a new one, and when it was put back before. It ends with 1 if a record\n" +
			"that was meant cannot be put back.",
		Example: "  kindred dead-letters replay 17\n" +
			"  kindred dead-letters replay --topic profiles --code wrong_partition --yes",
		Args: atMostOne("OFFSET"),
		RunE: func(command *cobra.Command, arguments []string) error {
			if err := filter.complete(schemas.Prefix(p.settings.Prefix)); err != nil {
				return usage(err.Error(), command.CommandPath()+" --help")
			}
			chosen := filter != letterFlags{}
			if chosen == (len(arguments) == 1) {
				return usage("want an OFFSET, or --topic, --code or both", "kindred dead-letters list")
			}
			if err := confirm.possible("records are to be put back",
				command.CommandPath()+" --yes, once kindred dead-letters list shows what is meant"); err != nil {
				return err
			}
			c, err := p.connect(command.Context())
			if err != nil {
				return err
			}
			defer c.close()
			plan := newReplayPlan(c, p.settings.Partitioner)
			plan.force = force
			if len(arguments) == 1 {
				err = plan.one(command.Context(), arguments[0])
			} else {
				err = plan.all(command.Context(), &filter)
			}
			if err != nil {
				return err
			}
			if len(plan.letters) > 0 && !confirm.given(p.aside, plan.question()) {
				return errors.New("nothing was put back")
			}
			return p.replay(command.Context(), plan)
		},
	}
	filter.flags(command.Flags())
	confirm.flags(command.Flags())
	command.Flags().BoolVar(&force, "force", false, "put back also what newer records have overtaken, and what was put back before")
	return command
}

// one plans to put back the letter that an argument names.
func (p *replayPlan) one(ctx context.Context, argument string) error {
	l, err := p.kafka.letterAt(ctx, argument)
	if err == nil {
		err = p.add(ctx, l)
	}
	if err == nil {
		err = p.compare(ctx)
	}
	return err
}

// all plans to put back the letters that a filter chooses.
func (p *replayPlan) all(ctx context.Context, filter *letterFlags) error {
	_, err := p.kafka.letters(ctx, func(l *reading.DeadLetter) error {
		if !filter.Takes(l) {
			return nil
		}
		return p.add(ctx, l)
	})
	if err == nil {
		err = p.compare(ctx)
	}
	return err
}

// question describes the plan to whoever has to agree to it.
func (p *replayPlan) question() string {
	to := map[string]int64{}
	for _, l := range p.letters {
		to[l.topic]++
	}
	var parts []string
	for _, topic := range slices.Sorted(maps.Keys(to)) {
		parts = append(parts, terminal.Count(to[topic], "record")+" to "+topic)
	}
	return "Put back " + strings.Join(parts, ", ") + "?"
}

// replayed is what `dead-letters replay` prints.
type replayed struct {
	Matched  int64            `json:"matched"`
	Replayed int64            `json:"replayed"`
	Left     map[string]int64 `json:"left"` // by the reason
	More     bool             `json:"more"` // ask again for the rest
}

// replay publishes what the plan says, and prints what has become of it.
func (p *program) replay(ctx context.Context, plan *replayPlan) error {
	result, err := plan.carryOut(ctx)
	if err != nil {
		return err
	}
	printed := p.print(result, func() { result.draw(p.out, p.aside) })
	for reason := range plan.left {
		if printed == nil && !harmless(reason) {
			return errReported
		}
	}
	return printed
}

// carryOut publishes what the plan says.
func (p *replayPlan) carryOut(ctx context.Context) (replayed, error) {
	back := &returning{replayPlan: p, batches: map[destination]*batch{}}
	if err := back.publish(ctx); err != nil {
		return replayed{}, hint(fmt.Errorf("%d of %d records were put back, then: %w", back.done, len(p.letters), err),
			"the same command again: what was put back is passed over")
	}
	return replayed{Matched: p.matched, Replayed: back.done, Left: p.left, More: p.more}, nil
}

func (r *replayed) draw(screen, aside terminal.Screen) {
	screen.Line("put back %s", terminal.Count(r.Replayed, "record"))
	for _, reason := range slices.Sorted(maps.Keys(r.Left)) {
		screen.Line("left %s %s", terminal.Number(r.Left[reason]), leftWords[reason])
	}
	if r.Matched == 0 {
		aside.Line("no dead letter is meant: kindred dead-letters list shows those that there are")
	}
	if r.More {
		aside.Line("there are more: the same command again puts back the next ones")
	}
}

// returning publishes the letters of a plan, in their order, in batches.
type returning struct {
	*replayPlan
	batches map[destination]*batch
	done    int64 // acknowledged
}

type destination struct {
	topic     string
	partition int
}

// batch is what goes to one partition next.
type batch struct {
	records []wire.Record // copies
	size    int           // bytes
}

// largestReplay is the size from which on a batch is sent. It is well below what a topic takes by default.
const largestReplay = 256 << 10

func (b *returning) publish(ctx context.Context) error {
	if len(b.letters) == 0 {
		return nil
	}
	next := 0 // of b.letters
	from := wire.Position{Topic: b.kafka.prefix.Topic(schemas.DeadLetters), Offset: b.letters[0].at}
	err := b.kafka.readReadable(ctx, from, b.letters[len(b.letters)-1].at+1, func(record *wire.Record) error {
		for next < len(b.letters) && b.letters[next].at < record.Offset {
			next++ // it has gone since
		}
		if next == len(b.letters) || b.letters[next].at != record.Offset {
			return nil
		}
		l, err := reading.ReadDeadLetter(record)
		if err != nil {
			return err
		}
		return b.add(ctx, &l, b.letters[next].target)
	})
	for to := range b.batches {
		if err == nil {
			err = b.send(ctx, to)
		}
	}
	return err
}

func (b *returning) add(ctx context.Context, l *reading.DeadLetter, partition int) error {
	to := destination{l.Topic, partition}
	if b.batches[to] == nil {
		to.topic = strings.Clone(to.topic)
		b.batches[to] = new(batch)
	}
	record := wire.Record{Key: l.Key, Value: l.Value, Headers: l.Replay(l.Own)}
	size := len(record.Key) + len(record.Value) + len(record.Headers)
	if waiting := b.batches[to]; waiting.size > 0 && waiting.size+size > largestReplay {
		if err := b.send(ctx, to); err != nil {
			return err
		}
	}
	b.batches[to].records = append(b.batches[to].records, record.Clone())
	b.batches[to].size += size
	return nil
}

// send publishes what waits for a partition. What is too large for the topic is left; the rest of its batch is published.
func (b *returning) send(ctx context.Context, to destination) error {
	var built wire.Builder
	for _, record := range b.batches[to].records {
		built.Add(time.Now().UnixMilli(), record.Key, record.Value, record.Headers)
	}
	b.batches[to].records, b.batches[to].size = nil, 0
	_, err := b.kafka.producer.Publish(ctx, to.topic, to.partition, &built)
	var refused *wire.RefusedError
	if errors.As(err, &refused) {
		b.left[leftTooLarge] += int64(refused.Refused)
		b.done += int64(refused.Of - refused.Refused)
		return nil
	}
	if err == nil {
		b.done += int64(built.Len())
	}
	return err
}
