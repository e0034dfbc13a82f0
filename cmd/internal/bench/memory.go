package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

// memory takes away first the pipeline, then the caches, and sees how much memory that frees: so what a process shares
// with them, an embedded Kafka included, does not count.
func (w *world) memory(ctx context.Context) (Measure, error) {
	m := Measure{What: "memory that a customer takes, with all live expansions"}
	var owners, caches, least, process []float64
	each := func(bytes int64) float64 { return float64(bytes) / float64(w.Customers) }
	for range w.Repeat {
		if _, err := w.start(ctx); err != nil {
			return m, err
		}
		if rss, ok := resident(); ok && !w.Embedded {
			process = append(process, float64(rss)/(1<<20))
		}
		content, err := w.content(ctx)
		if err != nil {
			return m, err
		}
		running := heap()
		w.stop()
		stopped := heap()
		owners, least = append(owners, each(running-stopped)), append(least, each(content))
		freed, err := w.freed(ctx, stopped)
		if err != nil {
			return m, err
		}
		if w.asks() {
			caches = append(caches, each(freed))
		}
	}
	m.Counts = map[string]int64{"customers": int64(w.Customers), "expansions": int64(w.expansions)}
	m.Figures = []Figure{figure("owners, heap in use", Bytes, owners).against("rows and ids alone", least)}
	if w.Embedded {
		m.Notes = append(m.Notes, "Redis is in this process: its figure is the heap that its keys free when they are deleted")
	}
	if w.asks() {
		m.Figures = append(m.Figures, figure("Redis, in use", Bytes, caches).against("rows and ids alone", least))
	} else {
		m.Notes = append(m.Notes, noBare("Redis"))
	}
	if len(process) > 0 {
		m.Figures = append(m.Figures, figure("process, bench included", Mebibytes, process))
	}
	return m, nil
}

// asks reports whether Redis can be asked how much memory it uses.
func (w *world) asks() bool { return w.Embedded || w.Redis != "" }

// freed wipes the caches and returns how many bytes of Redis that frees; 0: it cannot be asked. An embedded Redis is a part of
// the heap, of which before bytes were in use.
func (w *world) freed(ctx context.Context, before int64) (int64, error) {
	if w.Embedded {
		err := w.wipe(ctx)
		return before - heap(), err
	}
	if !w.asks() {
		return 0, nil
	}
	redis, err := dialRedis(w.Redis)
	if err != nil {
		return 0, err
	}
	defer redis.Close()
	if before, err = redis.info("memory", "used_memory"); err != nil {
		return 0, err
	}
	if err := w.wipe(ctx); err != nil {
		return 0, err
	}
	for { // keys are freed behind the scenes
		pending, err := redis.info("memory", "lazyfree_pending_objects")
		if err != nil || pending == 0 {
			break
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	after, err := redis.info("memory", "used_memory")
	return before - after, err
}

// heap returns how many bytes of the heap are in use once everything is collected that can be.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // pools drop what they hold at the second
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse)
}

// resident returns how many bytes of memory the process holds, collected or not. It is false where the system does not tell.
func resident() (int64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	var size, pages int64
	_, err = fmt.Sscan(string(text), &size, &pages)
	return pages * int64(os.Getpagesize()), err == nil
}
