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
	password, err := s.KafkaLogin.secret("kafka")
	if err != nil {
		return nil, err
	}
	login, err := broker.Login(s.KafkaSASL, s.KafkaLogin.User, password)
	if err != nil {
		return nil, fmt.Errorf("log in to kafka: %w", err)
	}
	return broker.Open(broker.Options{Addresses: s.Kafka, Login: login, TLS: encryption, Dial: connecting, Log: log}), nil
}

// RedisPassword returns the password for Redis, empty for none.
func (s *Settings) RedisPassword() (string, error) { return s.RedisLogin.secret("redis") }
