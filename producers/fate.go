package producers

import (
	"github.com/segmentio/kafka-go"
)

// fate is what a broker's answer says about a batch.
type fate int

const (
	written   fate = iota
	again          // not written, it may be tried again
	unknown        // perhaps written: nothing but the very same bytes may be sent again
	outOfStep      // not written: the broker does not know these sequence numbers
	fenced         // not written: somebody else has taken this transactional id
	tooLarge       // not written, and never will be
	refused        // not written, and never will be
)

// fateOf sorts the codes of Produce. A code that is not named here may come from after the append.
func fateOf(code kafka.Error) fate {
	switch code {
	case 0:
		return written
	case kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable, kafka.NotLeaderForPartition, kafka.ReplicaNotAvailable,
		kafka.BrokerNotAvailable, kafka.GroupLoadInProgress, kafka.GroupCoordinatorNotAvailable, kafka.NotCoordinatorForGroup,
		kafka.NotEnoughReplicas, kafka.ListenerNotFound, kafka.FencedLeaderEpoch, kafka.UnknownLeaderEpoch,
		kafka.ThrottlingQuotaExceeded, kafka.ConcurrentTransactions:
		return again
	case kafka.RequestTimedOut, kafka.NotEnoughReplicasAfterAppend, kafka.NetworkException, kafka.KafkaStorageError:
		return unknown
	case kafka.OutOfOrderSequenceNumber, kafka.InvalidProducerEpoch, kafka.UnknownProducerId, kafka.InvalidProducerIDMapping:
		return outOfStep
	case kafka.ProducerFenced:
		return fenced
	case kafka.MessageSizeTooLarge, kafka.RecordListTooLarge:
		return tooLarge
	case kafka.InvalidMessage, kafka.InvalidTopic, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.TransactionalIDAuthorizationFailed, kafka.InvalidRequiredAcks, kafka.InvalidTimestamp, kafka.InvalidRecord,
		kafka.UnsupportedForMessageFormat, kafka.PolicyViolation, kafka.InvalidTransactionState, kafka.UnsupportedVersion,
		kafka.InvalidRequest:
		return refused
	}
	return unknown
}

// movedAway says that somebody else leads the partition now: the layout is out of date.
func movedAway(code kafka.Error) bool {
	switch code {
	case kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable, kafka.NotLeaderForPartition, kafka.FencedLeaderEpoch,
		kafka.KafkaStorageError, kafka.ListenerNotFound:
		return true
	}
	return false
}

// mends says that the same request, of any kind but Produce, may get a better answer later.
func mends(code kafka.Error) bool {
	switch code {
	case kafka.Unknown, kafka.RequestTimedOut, kafka.NetworkException, kafka.NotController, kafka.TransactionCoordinatorFenced,
		notAttempted:
		return true
	}
	return fateOf(code) == again
}

// notAttempted answers for partitions of a request that was refused for the sake of others. (kafka-go has another name
// for 55.)
const notAttempted kafka.Error = 55
