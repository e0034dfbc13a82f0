package broker

import (
	"errors"

	"github.com/segmentio/kafka-go"
)

// Verdict says what Kafka's answer means for what was asked.
type Verdict int

// What an answer can mean. Who is fenced, refused or too large must not ask again.
const (
	Done       Verdict = iota
	Again              // not done; the same request may be answered better later
	Uncertain          // perhaps done: only what does no harm when it is done twice may be asked again
	OutOfStep          // not done: the broker does not know the producer's sequence numbers
	Fenced             // not done: somebody newer has the transactional id, or the place in the group
	TooLarge           // not done, and never will be
	Refused            // not done, and never will be
	Unexpected         // a code that is not in the table: perhaps done
)

// verdicts are what the codes mean, and whether they show that the layout is out of date.
var verdicts = map[kafka.Error]struct {
	Verdict
	moved bool
}{
	kafka.UnknownTopicOrPartition: {Again, true}, // just created, perhaps
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
	kafka.ConcurrentTransactions:       {Again, false}, // the one before is still being ended
	kafka.TransactionCoordinatorFenced: {Again, false},
	kafka.ThrottlingQuotaExceeded:      {Again, false},
	notAttempted:                       {Again, false},

	kafka.Unknown:                      {Uncertain, false},
	kafka.RequestTimedOut:              {Uncertain, false},
	kafka.NetworkException:             {Uncertain, false},
	kafka.NotEnoughReplicasAfterAppend: {Uncertain, false},
	kafka.KafkaStorageError:            {Uncertain, true}, // the disk: another broker will lead

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

// notAttempted answers for partitions of a request that was refused for the sake of others. kafka-go has another name for
// the number.
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

// Permanent reports whether asking the same again is of no use. Errors that do not come from Kafka, those of connections,
// may pass; a code that is not in the table is not asked about for ever.
func Permanent(err error) bool {
	var code kafka.Error
	if !errors.As(err, &code) {
		return false
	}
	verdict := Judge(code)
	return verdict != Again && verdict != Uncertain
}

// IsFenced reports whether an error says that somebody newer has taken over.
func IsFenced(err error) bool {
	var code kafka.Error
	return errors.As(err, &code) && Judge(code) == Fenced
}

// Moved reports whether an error may come of an old layout.
func Moved(err error) bool {
	var code kafka.Error
	return errors.As(err, &code) && verdicts[code].moved
}
