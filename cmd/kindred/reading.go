package main

import (
	"context"
	"time"

	"kindred/cmd/internal/reading"
	"kindred/schemas"
)

// book reads what some topics hold now.
func (c *connection) book(ctx context.Context, topics ...string) (*reading.Book, error) {
	for _, name := range topics {
		if _, err := c.partitions(ctx, name); err != nil {
			return nil, err
		}
	}
	book := &reading.Book{Prefix: c.prefix, Kafka: c.fetcher}
	return book, book.Read(ctx, topics...)
}

// expansion reads one expansion. One that does not exist is an error.
func (c *connection) expansion(ctx context.Context, id string) (*schemas.Expansion, error) {
	book, err := c.book(ctx, schemas.Expansions)
	if err != nil {
		return nil, err
	}
	return (&reading.Facts{Book: book}).Expansion(id)
}

// facts reads what some topics hold now, and opens the caches beside them, which close closes.
func (p *program) facts(ctx context.Context, c *connection, topics ...string) (f *reading.Facts, close func(), err error) {
	book, err := c.book(ctx, topics...)
	if err != nil {
		return nil, nil, err
	}
	return p.factsOf(ctx, c, book)
}

// factsOf is facts for a book that has been read.
func (p *program) factsOf(ctx context.Context, c *connection, book *reading.Book) (f *reading.Facts, close func(), err error) {
	store, shards, err := p.caches(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return &reading.Facts{
		Prefix: c.prefix, Partitioner: p.settings.Partitioner, Shards: shards, Kafka: c.fetcher, Cache: store, Book: book,
	}, func() { store.Close() }, nil
}

// oldCache is how long ago a shard may have been saved before readers are told. While it is served it is saved every second.
const oldCache = 10 * time.Second

// tellAge says so when what was read of the caches is old.
func (p *program) tellAge(saved time.Time) {
	if age := time.Since(saved); age > oldCache {
		p.aside.Line("this is as it was %v ago: kindred serve does not run, or a shard cannot save its cache", age.Round(time.Second))
	}
}
