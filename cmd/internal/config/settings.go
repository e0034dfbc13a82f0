package config

import (
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"kindred/schemas"
)

// Settings are what every command needs to know: where Kafka and Redis are, and what belongs to this installation.
type Settings struct {
	Kafka       []string            // host:port; any one that answers is enough
	Redis       []string            // host:port; several mean a cluster
	Prefix      string              // before every topic, group, transactional id and Redis key
	Partitioner schemas.Partitioner // of upstream's producers, fixed for a prefix

	KafkaLogin Login
	KafkaTLS   TLS
	RedisLogin Login
	RedisTLS   TLS

	JSON bool // results as JSON
}

// Login is a user and a password; an empty user means none is asked for.
type Login struct {
	User     string
	Password string
}

// Flags declares the settings that all commands share. Each can also be given as a KINDRED_ variable.
func (s *Settings) Flags(flags *pflag.FlagSet) {
	own := flagsOf(flags)
	own.StringSliceVar(&s.Kafka, "kafka", []string{"127.0.0.1:9092"}, "address of Kafka, host:port, or several")
	own.StringSliceVar(&s.Redis, "redis", []string{"127.0.0.1:6379"}, "address of Redis, host:port, or several of a cluster")
	own.StringVar(&s.Prefix, "prefix", "kindred.", "begins the name of every topic, group and Redis key")
	own.Var((*partitioner)(&s.Partitioner), "partitioner", "how producers choose partitions: murmur2 (Java, kafka-go) or crc32 (kcat, confluent-kafka)")

	own.StringVar(&s.KafkaLogin.User, "kafka-user", "", "user for Kafka (SASL PLAIN)")
	own.StringVar(&s.KafkaLogin.Password, "kafka-password", "", "its password; better given by the variable")
	tlsFlags(own, &s.KafkaTLS, "kafka")
	own.StringVar(&s.RedisLogin.User, "redis-user", "", "user for Redis")
	own.StringVar(&s.RedisLogin.Password, "redis-password", "", "its password; better given by the variable")
	tlsFlags(own, &s.RedisTLS, "redis")

	own.BoolVar(&s.JSON, "json", false, "print results as JSON")
	own.mark()
}

// partitioner is the value of the flag --partitioner.
type partitioner schemas.Partitioner

func (p *partitioner) String() string { return schemas.Partitioner(*p).String() }
func (p *partitioner) Type() string   { return "name" }

func (p *partitioner) Set(name string) error {
	parsed, err := schemas.ParsePartitioner(name)
	*p = partitioner(parsed)
	return err
}

// Check returns an error when a setting is not possible. It names the flag.
func (s *Settings) Check() error {
	for _, address := range s.Kafka {
		if err := checkAddress("kafka", address); err != nil {
			return err
		}
	}
	for _, address := range s.Redis {
		if err := checkAddress("redis", address); err != nil {
			return err
		}
	}
	if strings.Trim(s.Prefix, letters) != "" || len(s.Prefix) > 100 {
		return fmt.Errorf("--prefix %q: want at most 100 letters, digits, dots, dashes and underscores", s.Prefix)
	}
	if err := s.KafkaTLS.check("kafka"); err != nil {
		return err
	}
	return s.RedisTLS.check("redis")
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

func checkAddress(flag, address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return fmt.Errorf("--%s %q: want host:port", flag, address)
	}
	return nil
}
