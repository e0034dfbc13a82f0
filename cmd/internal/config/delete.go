package config

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"
)

// Topics lists the topics whose names begin with a prefix, those included that were made a moment ago.
func Topics(ctx context.Context, client *kafka.Client, prefix string) ([]string, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// kafka-go answers out of what it asked for last, some seconds ago. It asks anew once topics are made, even none.
	_, err := client.CreateTopics(limited, &kafka.CreateTopicsRequest{})
	var answer *kafka.MetadataResponse
	if err == nil {
		answer, err = client.Metadata(limited, &kafka.MetadataRequest{})
	}
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var names []string
	for _, topic := range answer.Topics {
		if strings.HasPrefix(topic.Name, prefix) {
			names = append(names, topic.Name)
		}
	}
	return names, nil
}

// DeleteTopics deletes topics, named in full. Those that are not there are no error.
func DeleteTopics(ctx context.Context, client *kafka.Client, topics ...string) error {
	answer, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	for _, topic := range topics {
		if err := answer.Errors[topic]; err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
	}
	return nil
}

// DeleteGroup deletes a consumer group that has no members any more. One that is not there is no error.
func DeleteGroup(ctx context.Context, client *kafka.Client, group string) error {
	answer, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})
	if err == nil {
		err = answer.Errors[group]
	}
	if err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
		return fmt.Errorf("delete group %s: %w", group, err)
	}
	return nil
}
