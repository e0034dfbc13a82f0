package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"kindred/cmd/internal/demo"
	"kindred/pipeline/cache"
	"kindred/schemas"
)

// fill writes a shard's cache in which every customer of ids is a member of "x", with a score that grows.
func fill(t *testing.T, p *program, shard int, profiles int64, ids ...string) {
	t.Helper()
	ctx := context.Background()
	store, err := openCache(&p.settings, true)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	writer, err := store.Claim(ctx, shard, true)
	if err != nil {
		t.Fatal(err)
	}
	mirror := cache.New(shard)
	for i, id := range ids {
		row := mirror.Take([]byte(id))
		mirror.Published("x", true).Set(row, cache.PackState(3, 8000+i))
	}
	save := mirror.Snapshot(cache.Meta{Ready: true, SavedAt: time.Now().UnixMilli(), Offsets: cache.Offsets{Profiles: profiles}})
	if err := writer.Exec(ctx, save); err != nil {
		t.Fatal(err)
	}
}

func TestTheBestMembersOfAllShards(t *testing.T) {
	p, c := onEmbedded(t, 3)
	for _, id := range []string{"x", "y"} {
		if err := c.publish(t.Context(), schemas.Expansions, id, []byte(`{"expansionId":"`+id+`","state":"live"}`), nil); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, p, 0, 1, "a0", "a1", "a2")
	fill(t, p, 1, 1, "b0", "b1")
	if _, err := p.best(t.Context(), "x", 3, false); err == nil {
		t.Error("a shard without a cache is an error: its members are not known")
	}
	fill(t, p, 2, 1)
	members, err := p.best(t.Context(), "x", 3, false)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, m := range members {
		got += fmt.Sprintf("%.1s %.4f %s; ", m.CustomerID, m.Score, m.Band)
		if m.CustomerID == "a2" && m.Score != 0.8002 {
			t.Errorf("a2 has %v", m.Score)
		}
	}
	if len(members) != 3 || members[0].CustomerID != "a2" || members[1].Score != 0.8001 || members[2].Score != 0.8001 {
		t.Errorf("got %s", got)
	}
	if none, err := p.best(t.Context(), "y", 3, false); err != nil || len(none) != 0 {
		t.Errorf("of an expansion without members: %v, %v", none, err)
	}
}

func TestCaughtUpWaitsForEveryShard(t *testing.T) {
	p, _ := onEmbedded(t, 2)
	fill(t, p, 0, 7)
	if err := p.caughtUp(context.Background(), []int64{7, 0}); err != nil {
		t.Errorf("nothing was wanted of shard 1: %v", err)
	}
	reached := make(chan error, 1)
	go func() { reached <- p.caughtUp(context.Background(), []int64{7, 5}) }()
	fill(t, p, 1, 4)
	select {
	case err := <-reached:
		t.Fatalf("shard 1 is at 4, want it waited for up to 5 (%v)", err)
	default:
	}
	fill(t, p, 1, 5)
	if err := <-reached; err != nil {
		t.Error(err)
	}
}

func TestTheDemoSeesMembersComeAndGo(t *testing.T) {
	p, c := onEmbedded(t, 2)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &liveStep{demoRun: &demoRun{customers: 1000, expansion: "x"}, kafka: c, out: p.out, every: time.Millisecond, most: 4,
		changed: map[string]madeChange{}}
	if err := l.begin(ctx); err != nil {
		t.Fatal(err)
	}
	profiles, err := l.change(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if sum := profiles[0] + profiles[1]; sum != 4 {
		t.Errorf("profiles to be read: %v, want 4 in all", profiles)
	}
	change := l.made.Change(0, 1000)
	key := "x/" + string(demo.AppendID(nil, change.Customer))
	put := func(value []byte, kind string) {
		t.Helper()
		if err := c.publish(ctx, schemas.Memberships, key, value, schemas.Event(kind, "id", key, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte(`{"expansionId":"x","customerId":"c","score":0.8,"band":"very similar","epoch":1,"runId":"r","changedAt":"2026-01-01T00:00:00Z"}`), schemas.TypeMembershipEntered)
	put(nil, schemas.TypeMembershipLeft)
	for shard, offset := range profiles {
		fill(t, p, shard, offset)
	}
	if err := l.settle(ctx, p, profiles); err != nil {
		t.Fatal(err)
	}
	if err := l.watch(ctx); err != nil {
		t.Fatal(err)
	}
	if l.entered != 1 || l.left != 1 || l.moved != 0 || len(l.after) != 2 {
		t.Errorf("%d entered, %d left, %d moved, %d timed", l.entered, l.left, l.moved, len(l.after))
	}
}
