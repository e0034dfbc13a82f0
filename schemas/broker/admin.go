package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
)

// Partitions returns how many partitions a topic has; 0: there is no such topic.
func (c *Cluster) Partitions(ctx context.Context, topic string) (int, error) {
	partitions := 0
	answer, err := c.Client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err == nil {
		for _, found := range answer.Topics {
			if found.Name == topic {
				partitions, err = len(found.Partitions), found.Error
			}
		}
	}
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("ask how many partitions %s has: %w", topic, err)
	}
	return partitions, nil
}

// Topics returns the number of partitions of every topic whose name begins with a prefix, including topics that were created
// a moment ago.
func (c *Cluster) Topics(ctx context.Context, prefix string) (map[string]int, error) {
	err := c.Refresh(ctx)
	var layout Layout
	if err == nil {
		layout, err = c.Layout(ctx)
	}
	if err == nil && len(layout.Brokers) == 0 {
		err = kafka.BrokerNotAvailable
	}
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	partitions := map[string]int{}
	for name, topic := range layout.Topics {
		if strings.HasPrefix(name, prefix) {
			partitions[name] = len(topic.Partitions)
		}
	}
	return partitions, nil
}

// DeleteTopics deletes topics, named in full. Those that are not there are no error.
func (c *Cluster) DeleteTopics(ctx context.Context, topics ...string) error {
	answer, err := c.Client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	for _, topic := range slices.Sorted(slices.Values(topics)) {
		if err := answer.Errors[topic]; err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
	}
	return nil
}

// DeleteGroup deletes a consumer group that has no members any more. One that is not there is no error.
func (c *Cluster) DeleteGroup(ctx context.Context, group string) error {
	answer, err := c.Client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})
	if err == nil {
		err = answer.Errors[group]
	}
	if err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
		return fmt.Errorf("delete group %s: %w", group, err)
	}
	return nil
}
