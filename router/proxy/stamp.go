package proxy

import (
	"sipedge/router/job"
	"sipedge/sip"
)

// A stamp is what a request bears of us when it leaves: Record-Route and Via
// of the listener it leaves by. With another hop both are written anew.
type stamp struct {
	recordRoute bool
	rrParams    []byte
	direction   job.Direction

	via    bool // ours is on top
	routes int  // Record-Routes of ours on top
}

// mark puts our Record-Routes and Via, whose value is sc.value, on m.
func (s *stamp) mark(p *Proxy, sc *scratch, m *sip.Message, in, out uint16) {
	if v, ok := m.TopVia(); s.via && ok {
		m.SetElement(v.Element, sc.value)
	} else {
		m.Prepend(sip.Via, sc.value)
	}
	s.via = true
	s.clearRoutes(m)
	if s.recordRoute && m.Method() != sip.REGISTER {
		s.routes = p.pushRecordRoutes(sc, m, in, out, s.direction, s.rrParams)
	}
}

func (s *stamp) clearRoutes(m *sip.Message) {
	for ; s.routes > 0; s.routes-- {
		if e, ok := m.FirstElement(sip.RecordRoute); ok {
			m.RemoveElement(e)
		}
	}
}

// clear takes the marks off again.
func (s *stamp) clear(m *sip.Message) {
	s.clearRoutes(m)
	if v, ok := m.TopVia(); s.via && ok {
		m.RemoveElement(v.Element)
	}
	s.via = false
}
