package identity

import (
	"sipedge/router/job"
	"sipedge/sip"
)

// A Stamp is what a request bears of us when it leaves: Record-Route and Via
// of the listener it leaves by. With another hop both are written anew. What a
// Record-Route is to a dialog, a Path is to a REGISTER.
type Stamp struct {
	RecordRoute *job.RecordRoute // in a REGISTER Path; nil: none is wanted
	Params      []byte           // of the Record-Route or Path, ";a=b"
	Direction   job.Direction

	via    bool // ours is on top
	routes int  // Record-Routes or Paths of ours on top
}

// Mark puts our Via, which has that value, on m, and our Record-Routes or Path if they
// are wanted. in and out are the sides m came and
// leaves by. It returns value's memory, which it writes them in.
func (s *Stamp) Mark(r *Router, m *sip.Message, value []byte, in, out Side) []byte {
	if v, ok := m.TopVia(); s.via && ok {
		m.SetElement(v.Element, value)
	} else {
		m.Prepend(sip.Via, value)
	}
	s.via = true
	s.clearRoutes(m)
	switch {
	case s.RecordRoute == nil:
	case m.Method() == sip.REGISTER:
		value, s.routes = r.pushPath(value, m, out, s.Params), 1
	default:
		value = r.pushRecordRoutes(value, m, in, out, s)
	}
	return value
}

func (s *Stamp) clearRoutes(m *sip.Message) {
	id := sip.RecordRoute
	if m.Method() == sip.REGISTER {
		id = sip.Path
	}
	for ; s.routes > 0; s.routes-- {
		if e, ok := m.FirstElement(id); ok {
			m.RemoveElement(e)
		}
	}
}

// Clear takes the marks off again.
func (s *Stamp) Clear(m *sip.Message) {
	s.clearRoutes(m)
	if v, ok := m.TopVia(); s.via && ok {
		m.RemoveElement(v.Element)
	}
	s.via = false
}
