package stream

import (
	"math/bits"
	"sync"
)

const (
	firstBuffer = 2 << 10  // bytes, for an idle connection: room for most messages
	keptBuffer  = 16 << 10 // a larger one is given back when it is empty
)

// buffers are those that readers gave back, by the power of two of their capacity: who sends what
// never ends makes them grow, and is to make no work for the collector.
var buffers [bits.UintSize]sync.Pool

func newBuffer(size int) []byte {
	class := bits.Len(uint(size - 1))
	if b, ok := buffers[class].Get().(*[]byte); ok {
		return (*b)[:size]
	}
	return make([]byte, size, 1<<class)
}

// giveBack takes a buffer of newBuffer, which nobody uses any more.
func giveBack(b []byte) { buffers[bits.Len(uint(cap(b)-1))].Put(&b) }
