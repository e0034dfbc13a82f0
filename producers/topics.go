package producers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/retry"
)

// Difference is one way in which a topic is not as it should be.
type Difference struct {
	Topic string // with its prefix
	What  string // "missing", "partitions", or the name of a setting
	Want  string
	Have  string // empty when missing
}

func (d Difference) String() string {
	if d.What == missing {
		return fmt.Sprintf("%s is missing (%s partitions)", d.Topic, d.Want)
	}
	return fmt.Sprintf("%s: %s is %s, want %s", d.Topic, d.What, d.Have, d.Want)
}

const (
	missing    = "missing"
	partitions = "partitions"
	cleanup    = "cleanup.policy"
)

// ErrTopics means that topics exist that kindred cannot work with.
var ErrTopics = errors.New("topics are not as they must be")

// Ensure creates the topics that are missing. It changes none that exists: a wrong number of partitions or another
// cleanup policy is ErrTopics, with all of them named; other settings are the operator's to change. Several processes
// may do so at the same time. The number of replicas is the broker's default.
func Ensure(ctx context.Context, c *broker.Cluster, prefix schemas.Prefix, topics []schemas.Topic) error {
	found, err := Diff(ctx, c, prefix, topics)
	if err != nil {
		return err
	}
	var create []kafka.TopicConfig
	for _, d := range found {
		if d.What == missing {
			i := slices.IndexFunc(topics, func(t schemas.Topic) bool { return prefix.Topic(t.Name) == d.Topic })
			create = append(create, creation(d.Topic, topics[i]))
		}
	}
	if len(create) > 0 {
		if err := createTopics(ctx, c, create); err != nil {
			return err
		}
		if found, err = seen(ctx, c, prefix, topics); err != nil {
			return err
		}
	}
	var wrong []string
	for _, d := range found {
		if d.What == missing || d.What == partitions || d.What == cleanup {
			wrong = append(wrong, d.String())
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrTopics, strings.Join(wrong, "; "))
	}
	return nil
}

// seen is Diff once the broker that is asked knows all topics, which another one, or another process, has just created.
func seen(ctx context.Context, c *broker.Cluster, prefix schemas.Prefix, topics []schemas.Topic) (found []Difference, err error) {
	err = c.Persist(ctx, "wait for the new topics", fewTries, func(ctx context.Context) (err error) {
		if found, err = Diff(ctx, c, prefix, topics); err != nil {
			return err
		}
		if i := slices.IndexFunc(found, func(d Difference) bool { return d.What == missing }); i >= 0 {
			return fmt.Errorf("%s: %w", found[i].Topic, kafka.UnknownTopicOrPartition)
		}
		return nil
	})
	return found, err
}

func creation(name string, t schemas.Topic) kafka.TopicConfig {
	config := kafka.TopicConfig{Topic: name, NumPartitions: t.Partitions, ReplicationFactor: -1}
	for key, value := range t.Config {
		config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
	}
	slices.SortFunc(config.ConfigEntries, func(a, b kafka.ConfigEntry) int { return cmp.Compare(a.ConfigName, b.ConfigName) })
	return config
}

func createTopics(ctx context.Context, c *broker.Cluster, topics []kafka.TopicConfig) error {
	return c.Persist(ctx, "create topics", fewTries, func(ctx context.Context) error {
		answer, err := c.Client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: topics})
		if err != nil {
			return err
		}
		for _, t := range topics { // not over the map: the same error every time
			if err := answer.Errors[t.Topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
				return fmt.Errorf("%s: %w", t.Topic, err)
			}
		}
		return nil
	})
}

// Diff returns how topics differ from what they should be, in the order given. Of their settings it compares those that
// schemas.Topic names.
func Diff(ctx context.Context, c *broker.Cluster, prefix schemas.Prefix, topics []schemas.Topic) ([]Difference, error) {
	var counts map[string]int
	err := c.Persist(ctx, "look at the topics", fewTries, func(ctx context.Context) (err error) {
		counts, err = c.Topics(ctx, string(prefix))
		return err
	})
	if err != nil {
		return nil, err
	}
	var present []string
	for _, t := range topics {
		if name := prefix.Topic(t.Name); counts[name] > 0 {
			present = append(present, name)
		}
	}
	settings, err := Settings(ctx, c, present)
	if err != nil {
		return nil, err
	}
	var found []Difference
	for _, t := range topics {
		name := prefix.Topic(t.Name)
		if counts[name] == 0 {
			found = append(found, Difference{Topic: name, What: missing, Want: strconv.Itoa(t.Partitions)})
			continue
		}
		if counts[name] != t.Partitions {
			found = append(found, Difference{name, partitions, strconv.Itoa(t.Partitions), strconv.Itoa(counts[name])})
		}
		found = append(found, compare(name, t.Config, settings[name])...)
	}
	return found, nil
}

func compare(topic string, want, have map[string]string) (found []Difference) {
	for key, value := range want {
		if !sameSetting(value, have[key]) {
			found = append(found, Difference{topic, key, value, have[key]})
		}
	}
	slices.SortFunc(found, func(a, b Difference) int { return cmp.Compare(a.What, b.What) })
	return found
}

// sameSetting compares values of which some are lists: "compact,delete" is "delete,compact".
func sameSetting(a, b string) bool {
	split := func(s string) []string {
		parts := strings.Split(s, ",")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		slices.Sort(parts)
		return parts
	}
	return slices.Equal(split(a), split(b))
}

// Settings returns the settings of topics, with their prefixes, as the broker has them: its defaults included.
func Settings(ctx context.Context, c *broker.Cluster, topics []string) (map[string]map[string]string, error) {
	settings := make(map[string]map[string]string)
	if len(topics) == 0 {
		return settings, nil
	}
	var resources []kafka.DescribeConfigRequestResource
	for _, name := range topics {
		resources = append(resources, kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: name})
	}
	err := c.Persist(ctx, "describe topics", fewTries, func(ctx context.Context) error {
		answer, err := c.Client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: resources})
		if err != nil {
			return err
		}
		for _, r := range answer.Resources {
			if r.Error != nil {
				return fmt.Errorf("%s: %w", r.ResourceName, r.Error)
			}
			settings[r.ResourceName] = make(map[string]string, len(r.ConfigEntries))
			for _, entry := range r.ConfigEntries {
				settings[r.ResourceName][entry.ConfigName] = entry.ConfigValue
			}
		}
		return nil
	})
	return settings, err
}

// fewTries is how topics are looked at and created. A command should say within seconds that it does not reach Kafka, but a
// broker that is just starting may refuse ten times within two seconds.
var fewTries = broker.Asking{Pauses: retry.Backoff{First: 50 * time.Millisecond, Last: 300 * time.Millisecond}, Within: 5 * time.Second, Tries: 10}
