package broker_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/segmentio/kafka-go"

	"kindred/schemas/broker"
)

func ExamplePermanent() {
	fmt.Println(broker.Permanent(fmt.Errorf("publish: %w", kafka.NotEnoughReplicas)))
	fmt.Println(broker.Permanent(fmt.Errorf("publish: %w", kafka.TopicAuthorizationFailed)))
	// Output:
	// false
	// true
}

func TestWhatCodesMean(t *testing.T) {
	check := func(code kafka.Error, verdict broker.Verdict, permanent, moved bool) {
		t.Helper()
		if got := broker.Judge(code); got != verdict {
			t.Errorf("%v: verdict %d, want %d", code, got, verdict)
		}
		err := fmt.Errorf("while doing something: %w", code)
		if broker.Permanent(err) != permanent || broker.Moved(err) != moved {
			t.Errorf("%v: permanent %v, moved %v", code, broker.Permanent(err), broker.Moved(err))
		}
		if broker.IsFenced(err) != (verdict == broker.Fenced) || broker.IsRefused(err) != (verdict == broker.Refused) {
			t.Errorf("%v: fenced %v, refused %v", code, broker.IsFenced(err), broker.IsRefused(err))
		}
	}
	check(kafka.NotLeaderForPartition, broker.Again, false, true)
	check(kafka.UnknownTopicOrPartition, broker.Again, false, true)
	check(kafka.NotEnoughReplicas, broker.Again, false, false)
	check(kafka.ConcurrentTransactions, broker.Again, false, false)
	check(55, broker.Again, false, false) // operation not attempted
	check(kafka.RequestTimedOut, broker.Uncertain, false, false)
	check(kafka.NotEnoughReplicasAfterAppend, broker.Uncertain, false, false)
	check(kafka.KafkaStorageError, broker.Uncertain, false, true)
	check(kafka.OutOfOrderSequenceNumber, broker.OutOfStep, true, false)
	check(kafka.InvalidProducerEpoch, broker.Fenced, true, false)
	check(kafka.IllegalGeneration, broker.Fenced, true, false)
	check(kafka.MessageSizeTooLarge, broker.TooLarge, true, false)
	check(kafka.TopicAuthorizationFailed, broker.Refused, true, false)
	check(9999, broker.Unexpected, true, false)

	if broker.Judge(0) != broker.Done {
		t.Error("no error is not success")
	}
	for _, err := range []error{nil, io.EOF} { // a connection that broke says nothing about the request
		if broker.Permanent(err) || broker.Moved(err) || broker.IsFenced(err) || broker.IsRefused(err) {
			t.Errorf("%v is judged by a code that it has not", err)
		}
	}
}
