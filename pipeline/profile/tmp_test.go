package profile_test

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"kindred/pipeline/profile"
)

func TestTmpFlushAllBetween(t *testing.T) {
	s := newStore(t)
	o := own(t, s)
	o.set("c-1", `{"City":"Oslo"}`)
	o.save()
	between(s, func() { s.Redis.FlushAll(t.Context()) })
	o.set("c-1", `{"City":"Bergen"}`)
	err := o.exec()
	t.Log(err, errors.Is(err, profile.ErrLost), keysOf(t, s))
}

func TestTmpMemory(t *testing.T) {
	s := newStore(t)
	var m0, m1 runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m0)
	o := own(t, s)
	profiles := benchProfiles()
	const customers = 2_000_000
	for i := range customers {
		row := o.Take([]byte(fmt.Sprintf("c%08d", i)))
		o.SetProfile(row, profiles[i%997])
		o.SetMember("vip", row, i%7 == 0, 0)
		o.SetMember("staff", row, i%70 == 0, 0)
		o.SetMember("news", row, i%3 == 0, 0)
		if i%5 == 0 {
			o.Published("x", true).Set(row, profile.PackState(2, 7000))
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&m1)
	t.Logf("owner: %.1f B a customer", float64(m1.HeapAlloc-m0.HeapAlloc)/customers)
	begin := time.Now()
	save := o.Snapshot(o.meta)
	snap := time.Since(begin)
	begin = time.Now()
	if err := o.writer.Exec(t.Context(), save); err != nil {
		t.Fatal(err)
	}
	t.Logf("snapshot %v, exec %v", snap, time.Since(begin))
	info := s.Redis.Info(t.Context(), "memory").Val()
	t.Log(info[:200])
	begin = time.Now()
	o2 := takeOver(t, s)
	t.Logf("load %v, %d rows", time.Since(begin), o2.Rows())
	// few rows here and there
	for range 3 {
		for i := 0; i < customers; i += 400 {
			o2.SetProfile(i, profiles[(i+int(time.Now().UnixNano()))%997])
		}
		begin = time.Now()
		save = o2.Snapshot(o2.meta)
		snap = time.Since(begin)
		begin = time.Now()
		if err := o2.writer.Exec(t.Context(), save); err != nil {
			t.Fatal(err)
		}
		t.Logf("5,000 rows in all blocks: snapshot %v, exec %v", snap, time.Since(begin))
	}
	for range 3 {
		o2.SetProfile(7, profiles[(int(time.Now().UnixNano()))%997])
		begin = time.Now()
		if err := o2.writer.Exec(t.Context(), o2.Snapshot(o2.meta)); err != nil {
			t.Fatal(err)
		}
		t.Logf("one row: %v", time.Since(begin))
	}
	_ = strconv.Itoa
}
