package model

import (
	"bytes"
	"runtime"
	"sync"
	"weak"

	"github.com/cespare/xxhash/v2"
)

// Read is a model, and the bytes that it was decoded from. Neither changes.
type Read struct {
	*Model
	Raw []byte
}

// reads are those in use, by a hash of their bytes.
var reads = struct {
	sync.Mutex
	byHash map[uint64]weak.Pointer[Read]
}{byHash: map[uint64]weak.Pointer[Read]{}}

// DecodeOnce is Decode for who keeps the model: the shards of a process all read the same ones, and who asks while another has a
// model of the same bytes gets that one. So it takes the time of one, and the memory of one. The value may be changed afterwards.
func DecodeOnce(value []byte) (*Read, error) {
	hash := xxhash.Sum64(value)
	reads.Lock()
	defer reads.Unlock() // whoever asks for the same meanwhile would decode it, too
	if there := reads.byHash[hash].Value(); there != nil && bytes.Equal(there.Raw, value) {
		return there, nil
	}
	m, err := Decode(value)
	if err != nil {
		return nil, err
	}
	read := &Read{m, bytes.Clone(value)}
	reads.byHash[hash] = weak.Make(read)
	runtime.AddCleanup(read, forgetRead, hash)
	return read, nil
}

// forgetRead drops a model that nobody has any more.
func forgetRead(hash uint64) {
	reads.Lock()
	defer reads.Unlock()
	if reads.byHash[hash].Value() == nil {
		delete(reads.byHash, hash)
	}
}
