package config

import (
	"fmt"
	"log/slog"

	"kindred/schemas/broker"
)

// Cluster returns the Kafka that the settings describe, for the whole process. It connects when it is first used.
func (s *Settings) Cluster(log *slog.Logger) (*broker.Cluster, error) {
	encryption, err := s.KafkaTLS.Config()
	if err != nil {
		return nil, fmt.Errorf("tls for kafka: %w", err)
	}
	return broker.Open(broker.Options{
		Addresses: s.Kafka, User: s.KafkaLogin.User, Password: s.KafkaLogin.Password,
		TLS: encryption, Dial: patience, Log: log,
	}), nil
}
