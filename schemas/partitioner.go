package schemas

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Partitioner is the rule by which upstream's producers choose the partition of a key. It is fixed for a prefix.
type Partitioner uint8

const (
	Murmur2 Partitioner = iota // the Java client's, and librdkafka's murmur2_random
	CRC32                      // librdkafka's default, consistent_random
)

// ParsePartitioner reads the name of a partitioner.
func ParsePartitioner(name string) (Partitioner, error) {
	for _, p := range []Partitioner{Murmur2, CRC32} {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("partitioner %q is neither murmur2 nor crc32", name)
}

func (p Partitioner) String() string {
	if p == CRC32 {
		return "crc32"
	}
	return "murmur2"
}

// Partition returns the partition of a key among n. The key must not be empty: for empty keys clients choose at random.
func (p Partitioner) Partition(key []byte, n int) int {
	if p == CRC32 {
		return int(crc32.ChecksumIEEE(key) % uint32(n))
	}
	return int(murmur2(key)&0x7fffffff) % n
}

// murmur2 is the hash of Kafka's Java client, seed included.
func murmur2(data []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := 0x9747b28c ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(data[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
