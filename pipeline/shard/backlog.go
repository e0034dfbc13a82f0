package shard

import (
	"context"
	"time"

	"kindred/schemas/wire"
)

// backlog is what the inputs hold between where a shard's cache has got to and where they ended when it was taken over. That may
// be the whole past of every customer, of which only the last record counts: it is what compaction would have left. So profiles,
// models, and what the owner itself writes, are read in stretches, the newest first. In a stretch records come in their order.
// One whose row, or whose expansion, has been told of in a newer stretch is passed over, without being decoded.
type backlog struct {
	inputs  *inputs
	ends    []int64            // by input
	stretch int64              // offsets of one
	unread  [inputCount]unread // for the reading goroutine only
	queue   chan pieces        // closed when all is read

	older bool                          // there are older stretches than the one that is being applied
	told  [inputCount]map[string]*marks // see tell
}

// stretchOffsets is how many offsets a stretch has: so many that its last fetch, of which a part lies behind it, hardly counts.
// Models are few, and large.
const (
	stretchOffsets = 1 << 16
	stretchModels  = 1 << 6
)

// unread is what is left of one input.
type unread struct {
	from, to int64 // but for the stretch at work
	stretch
	next   int64 // of that stretch
	length int64 // of a stretch; 0: all that there is
}

type stretch struct{ from, to int64 }

// piece is what one fetch returned of a stretch.
type piece struct {
	input int
	stretch
	older bool // there are older stretches
	last  bool // of its stretch
	wire.Fetched
}

// pieces are those of one fetch.
type pieces struct {
	all    []piece
	behind int64 // offsets that are left then
}

// newBacklog returns what lies before the ends of the inputs.
func (in *inputs) newBacklog(ends []int64, length int64) *backlog {
	b := &backlog{inputs: in, ends: ends, stretch: length, queue: make(chan pieces, 1)}
	for i, end := range ends {
		b.unread[i] = unread{from: in.at[i], to: max(end, in.at[i])}
		switch {
		case i == profilesInput, i >= ownInput:
			b.unread[i].length = length
		case i == modelsInput:
			b.unread[i].length = min(length, stretchModels)
		}
		b.unread[i].advance()
	}
	return b
}

// advance goes to the next older stretch.
func (u *unread) advance() {
	u.stretch = stretch{u.from, u.to}
	if u.length > 0 {
		u.stretch.from = max(u.from, u.to-u.length)
	}
	u.next, u.to = u.stretch.from, u.stretch.from
}

// fetched returns the piece that a fetch has brought, and moves on behind it.
func (u *unread) fetched(input int, f wire.Fetched) piece {
	p := piece{input: input, stretch: u.stretch, older: u.to > u.from, Fetched: f}
	u.next = f.Next()
	if f.OutOfRange { // below the start of the partition there is nothing
		u.from = min(max(u.from, u.next), u.to)
	}
	if p.last = u.next >= u.stretch.to; p.last {
		u.advance()
	}
	return p
}

func (u *unread) left() int64 { return max(0, u.stretch.to-u.next) + u.to - u.from }

// behind returns how many offsets are left to read.
func (b *backlog) behind() (offsets int64) {
	for i := range b.unread {
		offsets += b.unread[i].left()
	}
	return offsets
}

// readAhead is how many fetches there are at a time: one is being applied, one waits in the queue, and one is being read.
const readAhead = 3

// start begins to read ahead of who takes from the queue, and who is done with what it took last when it takes again. The
// returned function ends that and waits for it.
func (b *backlog) start(ctx context.Context, reader Reader) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.read(ctx, reader.Reusing(readAhead)) // all of a long past comes through little memory
	}()
	return func() { cancel(); <-done }
}

func (b *backlog) read(ctx context.Context, fetcher wire.Fetcher) {
	for b.behind() > 0 {
		var from []wire.Position
		for i := range b.unread {
			if u := &b.unread[i]; u.left() > 0 {
				from = append(from, wire.Position{Topic: b.inputs.topics[i], Partition: b.inputs.partition, Offset: u.next})
			}
		}
		batch, err := fetcher.Fetch(ctx, from, longPoll)
		if err != nil {
			return // ctx has ended
		}
		fetched := pieces{all: make([]piece, len(batch))}
		for i, f := range batch {
			input := b.inputs.index(f.Topic)
			fetched.all[i] = b.unread[input].fetched(input, f)
		}
		fetched.behind = b.behind()
		select {
		case b.queue <- fetched:
		case <-ctx.Done():
			return
		}
	}
	close(b.queue)
}

// readBacklog applies the backlog, once it is the shard's turn. Nothing is published.
//
// An input's offset moves on in its oldest stretch only: after a crash before that, all of the backlog is read again.
func (o *Owner) readBacklog(ctx context.Context, fence Fence) error {
	behind := o.backlog.behind()
	turn := o.turns.take(behind, o.backlog.stretch)
	defer turn.end()
	begins, stop := turn.begins, func() {}
	defer func() { stop() }()
	idle := time.NewTimer(turn.patience())
	defer idle.Stop()
	for {
		select {
		case <-begins:
			begins, stop = nil, o.backlog.start(ctx, o.Reader)
			idle.Reset(turn.patience())
		case <-idle.C:
			if begins == nil {
				turn.end() // and goes on
			}
		case fetched, more := <-o.backlog.queue:
			if !more {
				for input, end := range o.backlog.ends {
					o.inputs.applied(input, end)
				}
				o.backlog = nil
				return nil
			}
			for i := range fetched.all {
				if err := o.applyPiece(ctx, &fetched.all[i]); err != nil {
					return err
				}
			}
			if fetched.behind < behind {
				idle.Reset(turn.patience())
			}
			behind = fetched.behind
			o.status.behind(behind, o.mirror.Rows())
		case <-o.saving.timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := o.save(ctx, fence); err != nil {
			return err
		}
	}
}

func (o *Owner) applyPiece(ctx context.Context, p *piece) error {
	b := o.backlog
	b.older = p.older
	next, err := o.applyFetched(ctx, p.input, &p.Fetched, p.stretch.to)
	if err != nil {
		return err
	}
	if !p.older {
		o.inputs.applied(p.input, min(next, p.stretch.to))
	}
	if p.last {
		for _, m := range b.told[p.input] {
			m.turn()
		}
	}
	return nil
}

// olderLeft reports whether a record that says that nothing is there must be remembered, since older ones will be read.
func (b *backlog) olderLeft() bool { return b != nil && b.older }

// overtaken reports whether a newer stretch has told of a row of an expansion. Profiles have no expansion, and models no row.
func (b *backlog) overtaken(input int, expansion []byte, row int) bool {
	if b == nil {
		return false
	}
	m := b.told[input][string(expansion)]
	return m != nil && m.newer.has(row)
}

// tell notes that a record has told of a row, so that those in older stretches are passed over.
func (b *backlog) tell(input int, expansion []byte, row int) {
	if !b.olderLeft() {
		return
	}
	m := b.told[input][string(expansion)]
	if m == nil {
		if b.told[input] == nil {
			b.told[input] = map[string]*marks{}
		}
		m = new(marks)
		b.told[input][string(expansion)] = m
	}
	m.here.add(row)
}

// marks are the rows that were told of: in newer stretches, and in the present one.
type marks struct{ newer, here rowSet }

// turn goes to the next older stretch.
func (m *marks) turn() {
	m.newer = append(m.newer, make(rowSet, max(0, len(m.here)-len(m.newer)))...)
	for i, word := range m.here {
		m.newer[i] |= word
	}
	clear(m.here)
}

// rowSet has a bit for each row.
type rowSet []uint64

func (s rowSet) has(row int) bool { return row/64 < len(s) && s[row/64]>>(row%64)&1 != 0 }

func (s *rowSet) add(row int) {
	if more := row/64 + 1 - len(*s); more > 0 {
		*s = append(*s, make(rowSet, more)...)
	}
	(*s)[row/64] |= 1 << (row % 64)
}
