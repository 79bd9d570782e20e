package identity

import (
	"strconv"

	"sipedge/sip"
)

// mostBreadth is what a request may fork into at once: one without Max-Breadth
// has it, one with more is brought down to it, RFC 5393 §5.3.3.2.
const mostBreadth = 60

// Breadth is the request's Max-Breadth.
func Breadth(m *sip.Message) int {
	v := m.Get(sip.MaxBreadth)
	if v == nil {
		return mostBreadth
	}
	n, err := strconv.ParseUint(string(v), 10, 16)
	if err != nil {
		return mostBreadth
	}
	return min(int(n), mostBreadth)
}

// SetBreadth makes n the one Max-Breadth of m.
func SetBreadth(m *sip.Message, n int) {
	var buf [8]byte
	v := strconv.AppendInt(buf[:0], int64(n), 10)
	i := m.First(sip.MaxBreadth)
	if i < 0 {
		m.Append(sip.MaxBreadth, v)
		return
	}
	for next := m.Next(i); next >= 0; next = m.Next(i) {
		m.Remove(next)
	}
	if string(m.Value(i)) != string(v) {
		m.SetValue(i, v)
	}
}

// LowerMaxForwards takes one from Max-Forwards, or writes first, RFC 3261 §16.6 step 3.
func LowerMaxForwards(m *sip.Message, first int) {
	var buf [8]byte
	n, ok := m.MaxForwards()
	if !ok {
		m.Append(sip.MaxForwards, strconv.AppendInt(buf[:0], int64(first), 10))
		return
	}
	m.SetValue(m.First(sip.MaxForwards), strconv.AppendInt(buf[:0], int64(n-1), 10))
}
