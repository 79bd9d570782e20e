package job

// Bounds of one store: an outsider may drive a push as often as failure
// routes run.
const (
	MaxDepth = 64       // values of one variable
	maxText  = 16 << 10 // bytes of all values together
	keptText = 4 << 10  // bytes a pooled store keeps
)

// Values holds variables by slot, a stack of values each. A value is a number
// or a text; which, the variable's type says. Memory is kept for the next use,
// cleared. The zero Values is empty.
type Values struct {
	// Scope is whose slots these are; nil while nothing was set. What was set
	// under one policy means nothing to another.
	Scope any

	stacks []stack // by slot
	cells  []cell
	free   int32  // the first unused cell, counted from 1
	text   []byte // of the cells
	spare  []byte // what text was before it was last packed
	live   int    // bytes of text that cells use
}

type stack struct {
	top   int32 // the newest cell, counted from 1; 0: unset
	depth int32
}

type cell struct {
	n        int64
	from, to int32 // in text
	below    int32 // the older cell, or the next unused one, counted from 1
}

// Int is the number of a slot; depth 0 is the newest value, 1 the one before.
// ok false: there is none.
func (v *Values) Int(slot, depth int) (n int64, ok bool) {
	c := v.cell(slot, depth)
	if c == nil {
		return 0, false
	}
	return c.n, true
}

// Text is the text of a slot, as Int. It holds until the store is written.
func (v *Values) Text(slot, depth int) (text []byte, ok bool) {
	c := v.cell(slot, depth)
	if c == nil {
		return nil, false
	}
	return v.text[c.from:c.to:c.to], true
}

// Empty reports whether nothing was set.
func (v *Values) Empty() bool { return v.Scope == nil }

// Depth is how many values a slot has.
func (v *Values) Depth(slot int) int {
	if slot >= len(v.stacks) {
		return 0
	}
	return int(v.stacks[slot].depth)
}

func (v *Values) cell(slot, depth int) *cell {
	if depth < 0 || depth >= v.Depth(slot) {
		return nil
	}
	i := v.stacks[slot].top
	for ; depth > 0; depth-- {
		i = v.cells[i-1].below
	}
	return &v.cells[i-1]
}

// Set replaces all values of a slot by one. text may not be of the store
// itself. False: it is more than the store may hold; the slot is unset.
func (v *Values) Set(slot int, n int64, text []byte) bool {
	v.Unset(slot)
	return v.Push(slot, n, text)
}

// Push adds a value on top, as Set. False: it is more than the slot or the
// store may hold, which stay as they are.
func (v *Values) Push(slot int, n int64, text []byte) bool {
	for slot >= len(v.stacks) {
		v.stacks = append(v.stacks, stack{})
	}
	s := &v.stacks[slot]
	if s.depth >= MaxDepth || !v.room(len(text)) {
		return false
	}
	i := v.free
	if i == 0 {
		v.cells = append(v.cells, cell{})
		i = int32(len(v.cells))
	} else {
		v.free = v.cells[i-1].below
	}
	from := len(v.text)
	v.text = append(v.text, text...)
	v.live += len(text)
	v.cells[i-1] = cell{n: n, from: int32(from), to: int32(len(v.text)), below: s.top}
	s.top = i
	s.depth++
	return true
}

// Pop removes the newest value of a slot, if there is one.
func (v *Values) Pop(slot int) {
	if v.Depth(slot) == 0 {
		return
	}
	s := &v.stacks[slot]
	c := &v.cells[s.top-1]
	v.live -= int(c.to - c.from)
	below := c.below
	*c = cell{below: v.free}
	v.free, s.top = s.top, below
	s.depth--
}

// Unset removes all values of a slot.
func (v *Values) Unset(slot int) {
	for v.Depth(slot) > 0 {
		v.Pop(slot)
	}
}

// room makes place for n bytes more of text. What no cell uses any more is
// given up before the text grows beyond twice what they use.
func (v *Values) room(n int) bool {
	if v.live+n > maxText {
		return false
	}
	if len(v.text)+n <= cap(v.text) || len(v.text)+n <= 2*(v.live+n) {
		return true
	}
	packed := v.spare[:0]
	for slot := range v.stacks {
		for i := v.stacks[slot].top; i != 0; i = v.cells[i-1].below {
			c := &v.cells[i-1]
			from := len(packed)
			packed = append(packed, v.text[c.from:c.to]...)
			c.from, c.to = int32(from), int32(len(packed))
		}
	}
	clear(v.text)
	v.text, v.spare = packed, v.text[:0]
	return true
}

// Reset makes the store empty. Nothing of what it held is left in its memory.
func (v *Values) Reset() {
	if v.Scope == nil {
		return
	}
	clear(v.stacks)
	clear(v.cells)
	clear(v.text)
	*v = Values{
		stacks: v.stacks[:0], cells: v.cells[:0], text: v.text[:0], spare: v.spare[:0],
	}
	if cap(v.text) > keptText {
		v.text = nil
	}
	if cap(v.spare) > keptText {
		v.spare = nil
	}
}
