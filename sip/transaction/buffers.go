package transaction

// Retransmission buffers: bytes of messages in size classes. A message of a
// SIP hop is 500 to 2000 bytes; between these the classes lie close, so that
// rounding up loses a tenth of them instead of a quarter. A handle has room
// for fifteen.
var classSizes = [...]int{
	512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 3072, 4096, 8192, 16384, 65536,
}

const (
	bufferPage = 32 << 10 // bytes of a page; larger classes have one item a page
	maxBuffer  = 65536

	// A piece's handle is class+1, page, item.
	itemBits  = 8
	pageBits  = 20
	classFrom = itemBits + pageBits
)

// A piece is a buffer in use and the length of what is in it. The zero value
// is none.
type piece struct{ handle, n uint32 }

// buffers are those of one shard, under its lock.
type buffers struct {
	class [len(classSizes)]pool[byte]
}

func (b *buffers) init() {
	for i, size := range classSizes {
		b.class[i] = newPool[byte](size, max(1, bufferPage/size))
	}
}

// keep copies data, at most maxBuffer bytes, into a buffer.
func (b *buffers) keep(data []byte) piece {
	c := 0
	for classSizes[c] < len(data) {
		c++
	}
	pg, item := b.class[c].get()
	copy(b.class[c].at(pg, item), data)
	h := uint32(c+1)<<classFrom | uint32(pg)<<itemBits | uint32(item)
	return piece{handle: h, n: uint32(len(data))}
}

// bytes are what keep copied; they hold until free.
func (b *buffers) bytes(p piece) []byte {
	if p.handle == 0 {
		return nil
	}
	c, pg, item := p.split()
	return b.class[c].at(pg, item)[:p.n]
}

// free gives the buffer back and clears p; no harm if there is none.
func (b *buffers) free(p *piece) {
	if p.handle != 0 {
		c, pg, item := p.split()
		b.class[c].put(pg, item)
	}
	*p = piece{}
}

func (p piece) split() (class, pg, item int) {
	return int(p.handle>>classFrom) - 1,
		int(p.handle >> itemBits & (1<<pageBits - 1)), int(p.handle & (1<<itemBits - 1))
}
