package producers

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/broker"
)

// session is a producer id with its epoch, as a broker gave it out.
type session struct {
	id    int64 // -1: none
	epoch int16
}

// initialize asks for a producer id, or for a new epoch of the one that a transactional id has, until there is one.
// held is the session that the caller has already; with id -1 the caller has none, and whoever has the transactional id is
// fenced. A broker that has just started answers "loading" with producer id -1, which must not be taken for an id.
func initialize(ctx context.Context, c *broker.Cluster, transaction string, limit time.Duration, held session,
	how broker.Asking) (taken session, err error) {
	err = c.Persist(ctx, "take a producer id", how, func(ctx context.Context) error {
		answer, err := c.Client.InitProducerID(ctx, &kafka.InitProducerIDRequest{
			TransactionalID:      transaction,
			TransactionTimeoutMs: int(limit.Milliseconds()),
			ProducerID:           int(held.id),
			ProducerEpoch:        int(held.epoch),
		})
		switch {
		case err != nil:
			return err
		case answer.Error != nil:
			return answer.Error
		case answer.Producer.ProducerID < 0:
			return errors.New("an answer without a producer id")
		}
		taken = session{int64(answer.Producer.ProducerID), int16(answer.Producer.ProducerEpoch)}
		return nil
	})
	return taken, err
}
