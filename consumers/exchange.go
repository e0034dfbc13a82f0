package consumers

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// toBroker is a request to one broker.
type toBroker struct {
	broker.Raw
	id int32
}

func (r *toBroker) Broker(c protocol.Cluster) (protocol.Broker, error) {
	if b, known := c.Brokers[r.id]; known {
		return b, nil
	}
	return protocol.Broker{}, fmt.Errorf("broker %d has gone", r.id)
}

// toCoordinator is a request to the broker that coordinates a group.
type toCoordinator struct {
	broker.Raw
	group string
}

func (r *toCoordinator) Group() string { return r.group }

// askCoordinator sends what was encoded to the coordinator of a group.
func askCoordinator(ctx context.Context, c *broker.Cluster, group string, e *encoder, key protocol.ApiKey,
	within time.Duration) (*wire.Body, error) {
	body, err := c.Exchange(ctx, &toCoordinator{Raw: broker.Raw{Key: key, Frame: e.finish()}, group: group}, within)
	if err != nil {
		return nil, fmt.Errorf("ask the coordinator of %s: %w", group, err)
	}
	return &wire.Body{Rest: body}, nil
}
