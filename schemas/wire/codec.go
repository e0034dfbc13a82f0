package wire

import (
	"bytes"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/compress"
)

// maxInflated bounds what one compressed batch may become: a broker takes about 1 MB of it by default.
const maxInflated = 128 << 20

// records returns the records' bytes, inflated into new memory when the batch is compressed.
func (b batch) records() ([]byte, error) {
	code := compress.Compression(b.attributes() & codecBits)
	if code == compress.None {
		return b[atRecords:], nil
	}
	codec := code.Codec()
	if codec == nil {
		return nil, fmt.Errorf("%w: compression %d is unknown", ErrCorrupt, code)
	}
	packed := b[atRecords:]
	if len(packed) == 0 && b.count() == 0 { // emptied by the cleaner
		return nil, nil
	}
	reader := codec.NewReader(bytes.NewReader(packed))
	defer reader.Close()
	var inflated bytes.Buffer
	inflated.Grow(4 * len(packed))
	n, err := io.Copy(&inflated, io.LimitReader(reader, maxInflated+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %v", ErrCorrupt, codec.Name(), err)
	}
	if n > maxInflated {
		return nil, fmt.Errorf("%w: %s: a batch of more than %d bytes", ErrCorrupt, codec.Name(), maxInflated)
	}
	return inflated.Bytes(), nil
}
