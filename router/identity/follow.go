package identity

import (
	"bytes"

	"sipedge/router/job"
	"sipedge/sip"
)

// Whose a Route is, and whether a request may follow it.

// OwnRoute reports whether a Route leads to us.
func OwnRoute(self *job.Self, e sip.Element) bool {
	u, err := RouteURI(e)
	return err == nil && self.Listener(u.Host, u.Port, u.Transport())
}

// MayFollow reports whether a request may leave by its Route: it is one of a
// dialog, by a verified tag, or it only passes through. A Request-URI that is
// ours or the policy's says where it goes, and no Route of a stranger's overrules
// it.
func MayFollow(m *sip.Message, self *job.Self, received []byte, verified bool) bool {
	if verified || !m.Has(sip.Route) {
		return true
	}
	u, ok := m.RequestURI()
	return ok && bytes.Equal(u.Raw, received) && !self.IsURI(u, u.Transport())
}

// LocalTarget reports whether a request came for somebody of ours: its
// Request-URI leads to us, and so do its Routes, if there are any.
func LocalTarget(j *job.Job) bool {
	u, err := sip.ParseURI(Received(j))
	if err != nil || !j.Self.IsURI(&u, u.Transport()) {
		return false
	}
	e, ok := j.Msg.FirstElement(sip.Route)
	for ; ok && OwnRoute(j.Self, e); e, ok = j.Msg.NextElement(e) {
	}
	return !ok
}

// Restore prepares m for a strict router whose Route is e, §16.6 step 6.
func Restore(m *sip.Message, e sip.Element, router []byte) {
	ruri := m.RURI()
	value := make([]byte, 0, len(ruri)+2)
	value = append(value, '<')
	value = append(value, ruri...)
	value = append(value, '>')
	m.Append(sip.Route, value)
	m.RemoveElement(e)
	m.SetRURI(router)
}

// TakeRoutes takes the Routes on top that lead to us, RFC 3261 §16.4.
func TakeRoutes(self *job.Self, m *sip.Message) {
	e, ok := m.FirstElement(sip.Route)
	for ; ok && OwnRoute(self, e); e, ok = m.FirstElement(sip.Route) {
		m.RemoveElement(e)
	}
}
