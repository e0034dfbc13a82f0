package config

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"kindred/schemas"
	"kindred/schemas/broker"
	"kindred/schemas/wire"
)

// Settings are what every command needs to know: where Kafka and Redis are, and what belongs to this installation.
type Settings struct {
	Kafka       []string            // host:port; any one that answers is enough
	Redis       []string            // host:port; several mean a cluster
	Prefix      string              // before every topic, group, transactional id and Redis key
	Partitioner schemas.Partitioner // of upstream's producers, fixed for a prefix
	Compression wire.Compression    // of what is written to Kafka

	KafkaLogin     Login
	KafkaSASL      string // how to log in to Kafka, as broker.Login names it
	KafkaPlaintext bool   // a password may go unencrypted to a Kafka on another machine
	KafkaTLS       TLS
	RedisLogin     Login
	RedisTLS       TLS

	JSON bool // results as JSON

	LogFormat string // text or json
	LogLevel  string // debug, info, warn or error; see Level
}

// Flags declares the settings that all commands share. Each can also be given as a KINDRED_ variable.
func (s *Settings) Flags(flags *pflag.FlagSet) {
	own := flagsOf(flags)
	s.Kafka, s.Redis = []string{"127.0.0.1:9092"}, []string{"127.0.0.1:6379"}
	own.Var(&addresses{list: &s.Kafka}, "kafka", "address of Kafka, host:port, or several")
	own.Var(&addresses{list: &s.Redis}, "redis", "address of Redis, host:port, or several of a cluster")
	own.StringVar(&s.Prefix, "prefix", "kindred.", "begins the name of every topic, group and Redis key")
	own.Var((*partitioner)(&s.Partitioner), "partitioner", "how producers choose partitions: murmur2 (Java, kafka-go) or crc32 (kcat, confluent-kafka)")
	s.Compression = wire.LZ4
	own.Var((*compression)(&s.Compression), "compression", "how batches are compressed that get smaller by it: none, gzip, snappy, lz4 or zstd")

	loginFlags(own, &s.KafkaLogin, "kafka", "Kafka")
	own.StringVar(&s.KafkaSASL, "kafka-sasl", broker.SASLPlain, "how to log in to Kafka: plain, scram-sha-256 or scram-sha-512")
	own.BoolVar(&s.KafkaPlaintext, "kafka-allow-plaintext", false, "let --kafka-sasl plain send the password unencrypted to another machine")
	tlsFlags(own, &s.KafkaTLS, "kafka")
	loginFlags(own, &s.RedisLogin, "redis", "Redis")
	tlsFlags(own, &s.RedisTLS, "redis")

	own.BoolVar(&s.JSON, "json", false, "print results as JSON")
	own.StringVar(&s.LogFormat, "log-format", "text", "how the log is written: text or json")
	own.StringVar(&s.LogLevel, "log-level", "info", "what is logged: debug, info, warn or error, and what is graver")
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

// compression is the value of the flag --compression.
type compression wire.Compression

func (c *compression) String() string { return wire.Compression(*c).String() }
func (c *compression) Type() string   { return "name" }

func (c *compression) Set(name string) error {
	parsed, err := wire.ParseCompression(name)
	*c = compression(parsed)
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
	if s.LogFormat != "" && s.LogFormat != "text" && s.LogFormat != "json" {
		return fmt.Errorf("--log-format %q: want text or json", s.LogFormat)
	}
	if _, known := levels[s.LogLevel]; !known && s.LogLevel != "" {
		return fmt.Errorf("--log-level %q: want debug, info, warn or error", s.LogLevel)
	}
	if err := s.checkKafkaLogin(); err != nil {
		return err
	}
	if err := s.KafkaTLS.check("kafka"); err != nil {
		return err
	}
	if err := s.RedisLogin.check("redis"); err != nil {
		return err
	}
	return s.RedisTLS.check("redis")
}

// Level returns from what level on to log.
func (s *Settings) Level() slog.Level { return levels[s.LogLevel] }

var levels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

func (s *Settings) checkKafkaLogin() error {
	l := s.KafkaLogin
	if err := l.check("kafka"); err != nil {
		return err
	}
	if s.KafkaSASL != "" && !slices.Contains(broker.SASLs, s.KafkaSASL) {
		return fmt.Errorf("--kafka-sasl %q: want %s", s.KafkaSASL, strings.Join(broker.SASLs, ", "))
	}
	switch {
	case l.User == "" && l.given():
		return errors.New("--kafka-password and --kafka-password-file need --kafka-user")
	case l.User != "" && !l.given():
		return errors.New("--kafka-user needs --kafka-password-file")
	case l.User == "" || s.KafkaTLS.On || s.KafkaPlaintext || s.KafkaSASL != broker.SASLPlain && s.KafkaSASL != "":
		return nil
	}
	for _, address := range s.Kafka {
		if !Loopback(address) {
			return fmt.Errorf("--kafka %s is another machine, to which --kafka-sasl plain would send the password unencrypted: "+
				"add --kafka-tls, or --kafka-sasl scram-sha-512, or --kafka-allow-plaintext in a network that you trust", address)
		}
	}
	return nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
