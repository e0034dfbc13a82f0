package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/retry"
)

// inspecting is how groups are looked at: a coordinator that is just being chosen answers that it is none.
var inspecting = Asking{Pauses: retry.Backoff{First: 50 * time.Millisecond, Last: 300 * time.Millisecond}, Within: 3 * time.Second, Tries: 10}

// Group is a consumer group as its coordinator sees it.
type Group struct {
	Settled bool // it is not dividing its partitions at this moment
	Members []GroupMember
}

// GroupMember is one process in a group.
type GroupMember struct {
	ID         string
	Host       string
	UserData   []byte           // what it sent when it joined
	Partitions map[string][]int // what it was given, by topic
}

// Group describes a consumer group. One that nobody has ever joined has no members.
func (c *Cluster) Group(ctx context.Context, id string) (Group, error) {
	var answer *kafka.DescribeGroupsResponse
	var g Group
	err := c.Persist(ctx, "describe group "+id, inspecting, func(ctx context.Context) (err error) {
		if answer, err = c.Client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{id}}); err != nil {
			return err
		}
		for _, described := range answer.Groups {
			if described.Error != nil && !errors.Is(described.Error, kafka.GroupIdNotFound) {
				return described.Error
			}
		}
		return nil
	})
	if err != nil {
		return g, err
	}
	for _, described := range answer.Groups {
		g.Settled = described.GroupState == "Stable"
		for _, m := range described.Members {
			one := GroupMember{ID: m.MemberID, Host: m.ClientHost, UserData: m.MemberMetadata.UserData, Partitions: map[string][]int{}}
			for _, topic := range m.MemberAssignments.Topics {
				one.Partitions[topic.Topic] = topic.Partitions
			}
			g.Members = append(g.Members, one)
		}
	}
	return g, nil
}

// Committed returns the next offset that a group has committed for the first partition of each topic; -1: none.
func (c *Cluster) Committed(ctx context.Context, group string, topics ...string) ([]int64, error) {
	asked := map[string][]int{}
	for _, topic := range topics {
		asked[topic] = []int{0}
	}
	var answer *kafka.OffsetFetchResponse
	err := c.Persist(ctx, "fetch the offsets of group "+group, inspecting, func(ctx context.Context) (err error) {
		if answer, err = c.Client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: asked}); err != nil {
			return err
		}
		if errors.Is(answer.Error, kafka.GroupIdNotFound) {
			return nil // it has committed nothing
		}
		return answer.Error
	})
	if err != nil {
		return nil, err
	}
	committed := make([]int64, len(topics))
	for i, topic := range topics {
		committed[i] = -1
		for _, p := range answer.Topics[topic] {
			if p.Error != nil {
				return nil, fmt.Errorf("fetch the offset of group %s in %s: %w", group, topic, p.Error)
			}
			committed[i] = p.CommittedOffset
		}
	}
	return committed, nil
}

// Versions returns the newest version of each request, by its key, that a broker takes.
func (c *Cluster) Versions(ctx context.Context) (map[int16]int16, error) {
	answer, err := c.Client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return nil, fmt.Errorf("ask for versions: %w", err)
	}
	newest := make(map[int16]int16, len(answer.ApiKeys))
	for _, k := range answer.ApiKeys {
		newest[int16(k.ApiKey)] = int16(k.MaxVersion)
	}
	return newest, nil
}
