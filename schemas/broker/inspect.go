package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kindred/schemas/retry"
)

// inspecting is how groups are looked at: a coordinator that is just being chosen answers that it is none.
var inspecting = Asking{Pauses: retry.Backoff{First: 50 * time.Millisecond, Last: 300 * time.Millisecond}, Within: 3 * time.Second, Tries: 10}

// Group is a consumer group as its coordinator sees it.
type Group struct {
	Settled bool // it is not dividing its partitions at this moment
	Members []GroupMember
}

// GroupMember is one process in a group. While the group divides its partitions, the coordinator tells neither what a member sent
// nor what it was given.
type GroupMember struct {
	ID         string
	Static     string // its lasting name; empty: it is no static member
	Host       string
	UserData   []byte           // what it sent when it joined
	Partitions map[string][]int // what it was given, by topic
}

// Group describes a consumer group. One that nobody has ever joined has no members.
func (c *Cluster) Group(ctx context.Context, id string) (Group, error) {
	var described describegroups.ResponseGroup
	err := c.Persist(ctx, "describe group "+id, inspecting, func(ctx context.Context) error {
		answer, err := c.RoundTrip(ctx, &describegroups.Request{Groups: []string{id}}, Patience)
		if err != nil {
			return err
		}
		groups := answer.(*describegroups.Response).Groups
		if len(groups) != 1 {
			return fmt.Errorf("the answer describes %d groups", len(groups))
		}
		described = groups[0]
		if code := kafka.Error(described.ErrorCode); code != 0 && code != kafka.GroupIdNotFound {
			return code
		}
		return nil
	})
	if err != nil {
		return Group{}, err
	}
	g := Group{Settled: described.GroupState == "Stable"}
	for _, m := range described.Members {
		one := GroupMember{ID: m.MemberID, Static: m.GroupInstanceID, Host: m.ClientHost, Partitions: map[string][]int{}}
		sent, given := kmsg.NewConsumerMemberMetadata(), kmsg.NewConsumerMemberAssignment()
		if sent.ReadFrom(m.MemberMetadata) == nil {
			one.UserData = sent.UserData
		}
		if given.ReadFrom(m.MemberAssignment) == nil {
			for _, topic := range given.Topics {
				for _, partition := range topic.Partitions {
					one.Partitions[topic.Topic] = append(one.Partitions[topic.Topic], int(partition))
				}
			}
		}
		g.Members = append(g.Members, one)
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
