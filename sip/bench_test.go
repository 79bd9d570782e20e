package sip

import (
	"net/netip"
	"strconv"
	"testing"
)

var source = netip.MustParseAddrPort("192.0.2.7:31000")

// needs is what a proxy wants to know of every message, beside an index of all header fields.
type needs struct {
	method         Method
	status         int
	user, host     []byte // of the Request-URI
	sentBy, branch []byte // of the top Via
	from, fromTag  []byte
	to, toTag      []byte
	callID         []byte
	seq            uint32
	forwards       int
	route          []byte // the first
	body           []byte
}

// read reports whether all that a message of its kind must have was well-formed.
func (n *needs) read(m *Message) bool {
	*n = needs{}
	n.method, n.status, n.callID, n.seq = m.Method(), m.Status(), m.CallID(), m.CSeq()
	if m.IsRequest() {
		u, ok := m.RequestURI()
		if !ok {
			return false
		}
		n.user, n.host = u.User, u.Host
		if n.forwards, ok = m.MaxForwards(); !ok {
			return false
		}
	}
	via, viaOK := m.TopVia()
	n.sentBy, n.branch = via.Host, via.Branch
	from, fromOK := m.From()
	to, toOK := m.To()
	n.from, n.fromTag, n.to, n.toTag = from.URI, m.FromTag(), to.URI, m.ToTag()
	if e, ok := m.FirstElement(Route); ok {
		route, err := ParseNameAddr(e.Value)
		if err != nil {
			return false
		}
		n.route = route.URI
	}
	n.body = m.Body()
	return viaOK && fromOK && toOK
}

// forward makes the edits of a proxy: of a request those of RFC 3261 §16.6 and a header field
// replaced, of a response the last.
func forward(m *Message) {
	if i := m.First(UserAgent); i >= 0 {
		m.SetValue(i, agent)
	}
	if m.IsRequest() {
		relay(m)
	} else if e, ok := m.FirstElement(Via); ok {
		m.RemoveElement(e)
	}
}

// relay sends a request on to nextHop.
func relay(m *Message) {
	m.MarkReceived(source, false)
	var buf [64]byte
	if u, ok := m.RequestURI(); ok {
		next := *u
		next.Host = nextHop
		m.SetRURI(next.AppendTo(buf[:0]))
	}
	if i := m.First(MaxForwards); i >= 0 {
		n, _ := m.MaxForwards()
		m.SetValue(i, strconv.AppendInt(buf[:0], int64(max(n-1, 0)), 10))
	} else {
		m.Append(MaxForwards, []byte("70"))
	}
	if e, ok := m.FirstElement(Route); ok {
		m.RemoveElement(e)
	}
	m.Prepend(RecordRoute, ownRoute)
	m.Prepend(Via, ownVia)
}

var (
	nextHop  = []byte("192.0.2.4")
	ownRoute = []byte("<sip:edge.example.com;lr>")
	ownVia   = []byte("SIP/2.0/UDP edge.example.com;branch=z9hG4bK4b43c2ff8.1")
	agent    = []byte("sipedge")
)

// The work that is measured. Parse checks what needs reads, so parseForward reads only what
// its edits ask for, as the peer does.

func parseAll(m *Message, n *needs, raw []byte) bool {
	return m.Parse(raw) == nil && n.read(m)
}

func parseForward(m *Message, raw, out []byte) ([]byte, bool) {
	if m.Parse(raw) != nil {
		return out, false
	}
	forward(m)
	return m.AppendTo(out[:0]), true
}

func BenchmarkParse(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			var m Message
			var n needs
			raw := []byte(k.text)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if !parseAll(&m, &n, raw) {
					b.Fatal(m.err)
				}
			}
		})
	}
}

func BenchmarkForward(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			var m Message
			raw, out := []byte(k.text), make([]byte, 0, 2*len(k.text))
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				var ok bool
				if out, ok = parseForward(&m, raw, out); !ok {
					b.Fatal(m.err)
				}
			}
		})
	}
}

// BenchmarkEdit is BenchmarkForward of a message that is parsed already, and copied to be edited.
func BenchmarkEdit(b *testing.B) {
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			var m, c Message
			if err := m.Parse([]byte(k.text)); err != nil {
				b.Fatal(err)
			}
			out := make([]byte, 0, 2*len(k.text))
			b.SetBytes(int64(len(k.text)))
			b.ReportAllocs()
			for b.Loop() {
				c.CopyFrom(&m)
				forward(&c)
				out = c.AppendTo(out[:0])
			}
		})
	}
}

func BenchmarkCopyFrom(b *testing.B) {
	var m, c Message
	if err := m.Parse([]byte(invite)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.CopyFrom(&m)
	}
}
