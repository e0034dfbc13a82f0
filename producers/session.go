package producers

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
)

// session is a producer id with its epoch, as a broker gave it out.
type session struct {
	id    int64 // -1: none
	epoch int16
}

// initialize asks for a producer id, or for a new epoch of the one that a transactional id has, until there is one.
// held is what the caller has already; with id -1 whoever has it is fenced. A fresh broker answers "loading" with
// producer id -1, which must not be taken for an id.
func initialize(ctx context.Context, client *kafka.Client, transaction string, limit time.Duration, held session, trouble func(error)) (session, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		try, cancel := context.WithTimeout(ctx, 10*time.Second)
		answer, err := client.InitProducerID(try, &kafka.InitProducerIDRequest{
			TransactionalID:      transaction,
			TransactionTimeoutMs: int(limit.Milliseconds()),
			ProducerID:           int(held.id),
			ProducerEpoch:        int(held.epoch),
		})
		cancel()
		if err == nil {
			err = answer.Error
		}
		if err == nil && answer.Producer.ProducerID >= 0 {
			return session{int64(answer.Producer.ProducerID), int16(answer.Producer.ProducerEpoch)}, nil
		}
		var code kafka.Error
		if errors.As(err, &code) && !mends(code) {
			return session{}, code
		}
		trouble(err)
		if err := sleep(ctx, pause); err != nil {
			return session{}, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
