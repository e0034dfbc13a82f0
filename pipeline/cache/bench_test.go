package cache_test

import (
	"strconv"
	"testing"

	"kindred/pipeline/cache"
	"kindred/schemas"
)

const many = 1 << 18

func BenchmarkFirstProfiles(b *testing.B) {
	profiles := benchProfiles()
	var s *cache.Mirror
	var id []byte
	for i := 0; b.Loop(); i++ {
		if i%many == 0 {
			s = cache.New(0)
		}
		id = strconv.AppendInt(append(id[:0], "c-"...), int64(i%many), 10)
		s.SetProfile(s.Take(id), profiles[i%len(profiles)])
	}
}

// Every value changes.
func BenchmarkChangedProfiles(b *testing.B) { benchmarkAgain(b, 1) }

func BenchmarkUnchangedProfiles(b *testing.B) { benchmarkAgain(b, 0) }

func benchmarkAgain(b *testing.B, shift int) {
	profiles := benchProfiles()
	s := cache.New(0)
	var id []byte
	set := func(i, shift int) {
		customer := i % many
		id = strconv.AppendInt(append(id[:0], "c-"...), int64(customer), 10)
		s.SetProfile(s.Take(id), profiles[(customer+i/many*shift)%len(profiles)])
	}
	for i := range many {
		set(i, 0)
	}
	b.ReportAllocs()
	for i := many; b.Loop(); i++ {
		set(i, shift)
	}
}

// BenchmarkScan reads 1 M customers of 20 fields; the figure is customers.
func BenchmarkScan(b *testing.B) {
	s := newStore(b)
	o := own(b, s)
	profiles := benchProfiles()
	const customers = 1 << 20
	var id []byte
	for i := range customers {
		id = strconv.AppendInt(append(id[:0], "c-"...), int64(i), 10)
		o.SetProfile(o.Take(id), profiles[i%len(profiles)])
	}
	o.save()
	var want cache.Want
	n := 0
	for b.Loop() {
		want.Into = scan(b, s, want)
		n += want.Into.NumRows
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "M/s")
}

func benchProfiles() []*schemas.Profile {
	profiles := make([]*schemas.Profile, 997)
	for i := range profiles {
		profiles[i] = twenty(i)
	}
	return profiles
}
