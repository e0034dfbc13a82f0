package cache_test

import (
	"context"
	"fmt"
	"log"

	"github.com/alicebob/miniredis/v2"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

// The life of a shard's cache: its owner claims it, changes the mirror, and stores what has changed together with the
// offsets it belongs to. The next owner claims it and goes on from there.
func Example() {
	server, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	store := cache.Open(cache.Options{Addresses: []string{server.Addr()}, Whole: true})
	defer store.Close()
	ctx := context.Background()

	writer, err := store.Claim(ctx, 0, true)
	if err != nil {
		log.Fatal(err)
	}
	mirror := cache.New(0)
	row := mirror.Take([]byte("ann"))
	mirror.SetProfile(row, &schemas.Profile{Profiling: true, Fields: []schemas.FieldValue{
		{Name: []byte("City"), Kind: schemas.String, Text: []byte("Oslo")},
	}})
	mirror.SetMember("vip", row, true, 0)
	save := mirror.Snapshot(cache.Meta{Ready: true, Offsets: cache.Offsets{Profiles: 1, SegmentMembers: 1}})
	if err := writer.Exec(ctx, save); err != nil {
		log.Fatal(err)
	}

	if _, err := store.Claim(ctx, 0, false); err != nil { // from here on the first owner stores nothing more
		log.Fatal(err)
	}
	next, meta, err := store.Load(ctx, 0)
	if err != nil {
		log.Fatal(err)
	}
	row, _ = next.Find([]byte("ann"))
	city := next.Fields()[0]
	fmt.Println(city.Name, city.Values[next.Row(row)[city.Code]], next.Segment("vip").Has(row), meta.Offsets.Profiles)
	fmt.Println(writer.Exec(ctx, mirror.Snapshot(cache.Meta{Ready: true})))
	// Output:
	// City "Oslo" true 1
	// save shard 0: the cache is not as it was last written
}
