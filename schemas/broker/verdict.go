package broker

import (
	"errors"

	"github.com/segmentio/kafka-go"
)

// Verdict is what Kafka's answer means for the request: was it done, and is it of use to send it again?
type Verdict int

const (
	Done       Verdict = iota
	Again              // not done; the same request may succeed later
	Uncertain          // perhaps done: only what may be done twice may be sent again
	OutOfStep          // not done: the broker does not know the producer's sequence numbers
	Fenced             // not done: the transactional id has a newer session, or the group a newer generation
	TooLarge           // not done, and never will be
	Refused            // not done, and never will be
	Unexpected         // perhaps done: the code is not in the table
)

// verdicts is the table of what codes mean. A code for which moved is true shows that the layout may be out of date.
var verdicts = map[kafka.Error]struct {
	Verdict
	moved bool
}{
	kafka.UnknownTopicOrPartition: {Again, true}, // it may have been created a moment ago
	kafka.LeaderNotAvailable:      {Again, true},
	kafka.NotLeaderForPartition:   {Again, true},
	kafka.ReplicaNotAvailable:     {Again, true},
	kafka.ListenerNotFound:        {Again, true},
	kafka.FencedLeaderEpoch:       {Again, true},
	kafka.UnknownLeaderEpoch:      {Again, false},

	kafka.BrokerNotAvailable:           {Again, false},
	kafka.NotController:                {Again, false},
	kafka.NotEnoughReplicas:            {Again, false},
	kafka.OffsetNotAvailable:           {Again, false},
	kafka.GroupLoadInProgress:          {Again, false}, // also of transactions' coordinators
	kafka.GroupCoordinatorNotAvailable: {Again, false},
	kafka.NotCoordinatorForGroup:       {Again, false},
	kafka.RebalanceInProgress:          {Again, false},
	kafka.UnstableOffsetCommit:         {Again, false}, // a transaction is about to move the offset
	kafka.ConcurrentTransactions:       {Again, false}, // the transaction before is still being ended
	kafka.TransactionCoordinatorFenced: {Again, false},
	kafka.ThrottlingQuotaExceeded:      {Again, false},
	notAttempted:                       {Again, false},

	kafka.Unknown:                      {Uncertain, false},
	kafka.RequestTimedOut:              {Uncertain, false},
	kafka.NetworkException:             {Uncertain, false},
	kafka.NotEnoughReplicasAfterAppend: {Uncertain, false},
	kafka.KafkaStorageError:            {Uncertain, true}, // a disk fails: another broker will lead

	kafka.OutOfOrderSequenceNumber: {OutOfStep, false},
	kafka.UnknownProducerId:        {OutOfStep, false},
	kafka.InvalidProducerIDMapping: {OutOfStep, false},

	kafka.ProducerFenced:       {Fenced, false},
	kafka.InvalidProducerEpoch: {Fenced, false},
	kafka.IllegalGeneration:    {Fenced, false},
	kafka.UnknownMemberId:      {Fenced, false},
	kafka.FencedInstanceID:     {Fenced, false},

	kafka.MessageSizeTooLarge: {TooLarge, false},
	kafka.RecordListTooLarge:  {TooLarge, false},

	kafka.InvalidMessage:                     {Refused, false},
	kafka.InvalidTopic:                       {Refused, false},
	kafka.InvalidRequiredAcks:                {Refused, false},
	kafka.InvalidTimestamp:                   {Refused, false},
	kafka.InvalidRecord:                      {Refused, false},
	kafka.InvalidRequest:                     {Refused, false},
	kafka.InvalidGroupId:                     {Refused, false},
	kafka.InvalidSessionTimeout:              {Refused, false},
	kafka.InvalidCommitOffsetSize:            {Refused, false},
	kafka.InvalidTransactionState:            {Refused, false},
	kafka.OffsetMetadataTooLarge:             {Refused, false},
	kafka.PolicyViolation:                    {Refused, false},
	kafka.UnsupportedVersion:                 {Refused, false},
	kafka.UnsupportedForMessageFormat:        {Refused, false},
	kafka.UnsupportedSASLMechanism:           {Refused, false},
	kafka.SASLAuthenticationFailed:           {Refused, false},
	kafka.TopicAuthorizationFailed:           {Refused, false},
	kafka.GroupAuthorizationFailed:           {Refused, false},
	kafka.ClusterAuthorizationFailed:         {Refused, false},
	kafka.TransactionalIDAuthorizationFailed: {Refused, false},
}

// notAttempted is Kafka's answer for partitions of a request that failed because of other partitions. kafka-go has another
// name for the number.
const notAttempted kafka.Error = 55

// Judge returns what a code means.
func Judge(code kafka.Error) Verdict {
	if code == 0 {
		return Done
	}
	if v, listed := verdicts[code]; listed {
		return v.Verdict
	}
	return Unexpected
}

// Permanent reports whether trying the same again is of no use. Errors without a code of Kafka's, such as those of
// connections, may pass. A code that is not in the table counts as permanent, so that nothing is tried for ever.
func Permanent(err error) bool {
	code, ok := errors.AsType[kafka.Error](err)
	if !ok {
		return false
	}
	verdict := Judge(code)
	return verdict != Again && verdict != Uncertain
}

// IsFenced reports whether an error means that a newer session or generation has taken over.
func IsFenced(err error) bool { return means(err, Fenced) }

// PastEpoch reports whether an error means that a producer's epoch is not the present one any more. Either a newer session of
// the transactional id has taken over, or the broker has ended a transaction that was open for too long: only InitProducerID,
// asked with the id and epoch held, tells which.
func PastEpoch(err error) bool {
	return errors.Is(err, kafka.ProducerFenced) || errors.Is(err, kafka.InvalidProducerEpoch)
}

// IsRefused reports whether an error means that Kafka will never do what was asked.
func IsRefused(err error) bool { return means(err, Refused) }

func means(err error, verdict Verdict) bool {
	code, ok := errors.AsType[kafka.Error](err)
	return ok && Judge(code) == verdict
}

// Moved reports whether an error may come from a layout that is out of date.
func Moved(err error) bool {
	code, ok := errors.AsType[kafka.Error](err)
	return ok && verdicts[code].moved
}
