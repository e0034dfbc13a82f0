package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTroubleOfAllShardsIsAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newLog(&out, "text", slog.LevelInfo)
		lines := func() int { return strings.Count(out.String(), "\n") }
		for try := range 15 { // a try a second of each of 12 shards
			for shard := range 12 {
				log.Warn("a shard has stopped", "shard", shard, "error", fmt.Errorf("shard %d, try %d", shard, try))
			}
			log.Warn("a part has stopped", "part", "router")
			log.Warn("a part has stopped", "part", "controller")
			time.Sleep(time.Second)
		}
		if lines() != 3*mostWarnings {
			t.Errorf("15 s of trouble are %d lines, want %d:\n%s", lines(), 3*mostWarnings, &out)
		}
		out.Reset()
		time.Sleep(30 * time.Second)
		log.Info("well again")
		if text := out.String(); !strings.Contains(text, "a shard has stopped (one of 177 more in") || !strings.Contains(text, "well again") {
			t.Errorf("afterwards nothing says how many more there were:\n%s", text)
		}
		out.Reset()
		time.Sleep(time.Minute)
		log.Info("well")
		if lines() != 1 {
			t.Errorf("what is over is told again:\n%s", &out)
		}
		out.Reset()
		time.Sleep(time.Minute)
		log.Warn("a shard has stopped", "shard", 3)
		if lines() != 1 {
			t.Errorf("new trouble later is not told:\n%s", &out)
		}
	})
}

func TestTroubleThatLastsIsALineNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newLog(&out, "text", slog.LevelInfo).With("part", "shards")
		for range 600 {
			log.Warn("cannot save", "error", errors.New("refused"))
			time.Sleep(time.Second)
		}
		if lines := strings.Count(out.String(), "\n"); lines > mostWarnings+600/30 {
			t.Errorf("ten minutes of trouble are %d lines", lines)
		}
	})
}

func TestWhatDiffersInWordsIsNotTheSame(t *testing.T) {
	var out bytes.Buffer
	log := newLog(&out, "json", slog.LevelInfo)
	for i := range 2 * mostRepeats {
		log.Warn("x", "part", fmt.Sprint(i))
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2*mostRepeats {
		t.Errorf("%d lines, want %d: what is not counted is written", lines, 2*mostRepeats)
	}
	if !strings.HasPrefix(out.String(), `{"time":`) {
		t.Errorf("no JSON: %.80s", &out)
	}
}
