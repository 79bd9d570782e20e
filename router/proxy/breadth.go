package proxy

import (
	"strconv"

	"sipedge/sip"
)

// defaultBreadth is what a request without Max-Breadth may fork into at once, RFC 5393 §5.3.3.
const defaultBreadth = 60

// breadth is the request's Max-Breadth.
func breadth(m *sip.Message) int {
	v := m.Get(sip.MaxBreadth)
	if v == nil {
		return defaultBreadth
	}
	n, err := strconv.ParseUint(string(v), 10, 16)
	if err != nil {
		return defaultBreadth
	}
	return int(n)
}

func setBreadth(m *sip.Message, n int) {
	var buf [8]byte
	v := strconv.AppendInt(buf[:0], int64(n), 10)
	switch i := m.First(sip.MaxBreadth); {
	case i < 0:
		m.Append(sip.MaxBreadth, v)
	case string(m.Value(i)) != string(v):
		m.SetValue(i, v)
	}
}
