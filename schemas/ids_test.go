package schemas_test

import (
	"strings"
	"testing"

	"kindred/schemas"
)

func TestIDs(t *testing.T) {
	for _, id := range []string{"a", "vip-expansion", "A.b_C-9", strings.Repeat("x", 200)} {
		if schemas.ValidSegmentID(id) != nil || schemas.ValidExpansionID(id) != nil {
			t.Errorf("%q is refused", id)
		}
	}
	for _, id := range []string{"", "a/b", "a b", "æ", "a\n", "/", strings.Repeat("x", 201)} {
		if got := code(t, schemas.ValidSegmentID(id)); got != "schema" {
			t.Errorf("%q: %q", id, got)
		}
		if got := code(t, schemas.ValidExpansionID(id)); got != "schema" {
			t.Errorf("%q: %q", id, got)
		}
	}
}

func TestCustomerIDs(t *testing.T) {
	check := func(id, want string) {
		t.Helper()
		if got := code(t, schemas.ValidCustomerID([]byte(id))); got != want {
			t.Errorf("%.20q: %q, want %q", id, got, want)
		}
	}
	check("c-17", "")
	check("a/b c", "")
	check("æøå 😀", "")
	check(strings.Repeat("x", 255), "")
	check(strings.Repeat("x", 256), "schema")
	check(strings.Repeat("æ", 128), "schema") // 256 bytes
	check("", "schema")
	check("a\x00", "schema")
	check("a\x7f", "schema")
	check("a\u0085", "schema")
	check("a\xff", "bad_utf8")
}

func TestKeysAreSplitAtTheFirstSlash(t *testing.T) {
	check := func(key, owner, customer string, ok bool) {
		t.Helper()
		o, c, k := schemas.SplitKey([]byte(key))
		if k != ok || ok && (string(o) != owner || string(c) != customer) {
			t.Errorf("%q: %q, %q, %v", key, o, c, k)
		}
	}
	check("vip/c-17", "vip", "c-17", true)
	check("vip/a/b", "vip", "a/b", true)
	check("vip/", "vip", "", true)
	check("/through", "", "through", true)
	check("vip", "", "", false)
	check("", "", "", false)
}

// The numbers are those of other programs: Kafka's own test of Utils.murmur2, and zlib's crc32.
func TestPartitionersAgreeWithOtherClients(t *testing.T) {
	check := func(p schemas.Partitioner, key string, hash uint32) {
		t.Helper()
		for _, n := range []int{1, 2, 12, 17, 64, 1 << 30} {
			if got, want := p.Partition([]byte(key), n), int(hash%uint32(n)); got != want {
				t.Errorf("%v of %q among %d: %d, want %d", p, key, n, got, want)
			}
		}
	}
	positive := func(hash int32) uint32 { return uint32(hash) & 0x7fffffff }
	check(schemas.Murmur2, "21", positive(-973932308))
	check(schemas.Murmur2, "foobar", positive(-790332482))
	check(schemas.Murmur2, "a-little-bit-long-string", positive(-985981536))
	check(schemas.Murmur2, "a-little-bit-longer-string", positive(-1486304829))
	check(schemas.Murmur2, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", positive(-58897971))
	check(schemas.Murmur2, "abc", positive(479470107))

	check(schemas.CRC32, "c-17", 1185083647)
	check(schemas.CRC32, "a-little-bit-long-string", 4000435554)
	check(schemas.CRC32, "æøå", 805804581)
}

func TestPartitionersHaveNames(t *testing.T) {
	for _, name := range []string{"murmur2", "crc32"} {
		p, err := schemas.ParsePartitioner(name)
		if err != nil || p.String() != name {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	if _, err := schemas.ParsePartitioner("md5"); err == nil {
		t.Error("md5 is accepted")
	}
	var zero schemas.Partitioner
	if zero != schemas.Murmur2 {
		t.Error("murmur2 is not the default")
	}
}
