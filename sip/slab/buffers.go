package slab

// Texts in size classes, most of them whole messages or the texts of a
// binding. A message of a SIP hop is 300 to 2000 bytes, a binding 100 to 250;
// between these the classes lie close, so that
// rounding up loses a tenth of them instead of a quarter. A handle has no room
// for more of them.
var classSizes = [...]int{
	64, 96, 112, 128, 144, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280,
	1536, 1792, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536,
}

const (
	bufferPage = 32 << 10 // bytes of one of the first pages; larger classes have one item there
	MaxText    = 65536    // bytes

	// A Piece's handle is class+1, page, item.
	pageBits  = 16
	classFrom = itemBits + pageBits
)

// A Piece is a buffer in use and the length of what is in it. The zero value
// is none.
type Piece struct{ handle, n uint32 }

// Buffers hold texts. They are for one goroutine at a time.
type Buffers struct {
	class [len(classSizes)]pool[byte]
}

// Init comes before any other method.
func (b *Buffers) Init() {
	for i, size := range classSizes {
		b.class[i] = newPool[byte](size, max(1, bufferPage/size))
	}
}

// Take gives out room for n bytes, at most MaxText.
func (b *Buffers) Take(n int) (Piece, []byte) {
	c := 0
	for classSizes[c] < n {
		c++
	}
	pg, item := b.class[c].get()
	h := uint32(c+1)<<classFrom | uint32(pg)<<itemBits | uint32(item)
	return Piece{handle: h, n: uint32(n)}, b.class[c].at(pg, item)[:n:n]
}

// Keep copies data, at most MaxText bytes.
func (b *Buffers) Keep(data []byte) Piece {
	p, room := b.Take(len(data))
	copy(room, data)
	return p
}

// Bytes are those of a piece; they hold until Free.
func (b *Buffers) Bytes(p Piece) []byte {
	if p.handle == 0 {
		return nil
	}
	c, pg, item := p.split()
	return b.class[c].at(pg, item)[:p.n]
}

// Free gives the buffer back and clears p; no harm if there is none.
func (b *Buffers) Free(p *Piece) {
	if p.handle != 0 {
		c, pg, item := p.split()
		b.class[c].put(pg, item)
	}
	*p = Piece{}
}

func (p Piece) split() (class, pg, item int) {
	return int(p.handle>>classFrom) - 1,
		int(p.handle >> itemBits & (1<<pageBits - 1)), int(p.handle & (1<<itemBits - 1))
}

// Live counts the pieces in use.
func (b *Buffers) Live() (n int) {
	for i := range b.class {
		n += b.class[i].live
	}
	return n
}

// maxIdle is the most memory that a thing out of use keeps of a buffer, in bytes.
const maxIdle = 8 << 10

// Emptied is b for the next to use, or nothing when that would keep too much.
func Emptied(b []byte) []byte {
	if cap(b) > maxIdle {
		return nil
	}
	return b[:0]
}
