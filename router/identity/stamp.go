package identity

import (
	"sipedge/router/job"
	"sipedge/sip"
)

// A Stamp is what a request bears of us when it leaves: Record-Route and Via
// of the listener it leaves by. With another hop both are written anew.
type Stamp struct {
	RecordRoute *job.RecordRoute // nil: none is wanted
	Params      []byte           // of the Record-Route, ";a=b"
	Direction   job.Direction

	via    bool // ours is on top
	routes int  // Record-Routes of ours on top
}

// Mark puts our Via, which has that value, on m, and our Record-Routes if they
// are wanted: never on a REGISTER. in and out are the sides m came and
// leaves by. It returns value's memory, which it writes Record-Routes in.
func (s *Stamp) Mark(r *Router, m *sip.Message, value []byte, in, out Side) []byte {
	if v, ok := m.TopVia(); s.via && ok {
		m.SetElement(v.Element, value)
	} else {
		m.Prepend(sip.Via, value)
	}
	s.via = true
	s.clearRoutes(m)
	if s.RecordRoute != nil && m.Method() != sip.REGISTER {
		value = r.pushRecordRoutes(value, m, in, out, s)
	}
	return value
}

func (s *Stamp) clearRoutes(m *sip.Message) {
	for ; s.routes > 0; s.routes-- {
		if e, ok := m.FirstElement(sip.RecordRoute); ok {
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
