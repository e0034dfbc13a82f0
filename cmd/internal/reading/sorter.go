package reading

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// sorter puts any number of members into the order of their ranks, in little memory: when it holds too many, it sorts them into a
// temporary file, and at last merges the files. They hold ids, and have no name while they are there.
type sorter struct {
	most int // that are kept in memory; 0: usualKept
	kept []ranked
	runs []*os.File
}

const usualKept = 1 << 18

// add takes in a member. The id is copied.
func (s *sorter) add(m ranked) error {
	if s.most == 0 {
		s.most = usualKept
	}
	if len(s.kept) == s.most {
		if err := s.spill(); err != nil {
			return fmt.Errorf("sort members: %w", err)
		}
	}
	m.id = bytes.Clone(m.id)
	s.kept = append(s.kept, m)
	return nil
}

// spill sorts what is kept into a file.
func (s *sorter) spill() error {
	file, err := os.CreateTemp("", "kindred-export-*")
	if err != nil {
		return err
	}
	s.runs = append(s.runs, file)
	if err := os.Remove(file.Name()); err != nil { // an open file needs no name
		return err
	}
	slices.SortFunc(s.kept, ranked.compare)
	w := bufio.NewWriter(file)
	var head [12]byte
	for _, m := range s.kept {
		binary.LittleEndian.PutUint16(head[:], uint16(m.score))
		binary.LittleEndian.PutUint64(head[2:], m.tie)
		head[10], head[11] = byte(m.band), byte(len(m.id)) // an id has at most 255 bytes
		w.Write(head[:])
		w.Write(m.id)
	}
	clear(s.kept) // and let go of the ids
	s.kept = s.kept[:0]
	return w.Flush() // the first error of all writes
}

// each visits all members, the best first. It may be called once.
func (s *sorter) each(visit func(ranked) error) error {
	slices.SortFunc(s.kept, ranked.compare)
	merged := merge{}
	for _, file := range s.runs {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("sort members: %w", err)
		}
		if err := merged.begin(bufio.NewReader(file)); err != nil {
			return fmt.Errorf("sort members: %w", err)
		}
	}
	if len(s.kept) > 0 {
		merged = append(merged, &run{rest: s.kept})
		merged[len(merged)-1].next()
	}
	heap.Init(&merged)
	for len(merged) > 0 {
		best := merged[0]
		if err := visit(best.ranked); err != nil {
			return err
		}
		more, err := best.next()
		if err != nil {
			return fmt.Errorf("sort members: %w", err)
		}
		if more {
			heap.Fix(&merged, 0)
		} else {
			heap.Pop(&merged)
		}
	}
	return nil
}

// close deletes the files.
func (s *sorter) close() {
	for _, file := range s.runs {
		file.Close()
	}
	s.kept, s.runs = nil, nil
}

// run is some members in order: the present one, and those behind it in a file or in memory.
type run struct {
	ranked
	file *bufio.Reader // nil: in memory
	rest []ranked
}

// next goes to the next member. It reports false behind the last.
func (r *run) next() (bool, error) {
	if r.file == nil {
		if len(r.rest) == 0 {
			return false, nil
		}
		r.ranked, r.rest = r.rest[0], r.rest[1:]
		return true, nil
	}
	var head [12]byte
	if _, err := io.ReadFull(r.file, head[:]); err == io.EOF {
		return false, nil
	} else if err != nil {
		return false, err
	}
	r.score, r.tie = int(binary.LittleEndian.Uint16(head[:])), binary.LittleEndian.Uint64(head[2:])
	r.band, r.id = int(head[10]), slices.Grow(r.id[:0], int(head[11]))[:head[11]]
	_, err := io.ReadFull(r.file, r.id)
	return err == nil, err
}

// merge is a heap of runs, that with the best member on top.
type merge []*run

func (m *merge) begin(file *bufio.Reader) error {
	r := &run{file: file}
	more, err := r.next()
	if more {
		*m = append(*m, r)
	}
	return err
}

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return m[i].compare(m[j].ranked) < 0 }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(r any)        { *m = append(*m, r.(*run)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
