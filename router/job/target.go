package job

import (
	"bytes"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// Target is one member of the target set, RFC 3261 §16.5.
type Target struct {
	URI      []byte // Request-URI of the branch; nil: the request's own
	Q        int    // 0–1000
	NextHop  []byte // URI of the next hop, nil: by Route or Request-URI
	Local    bool   // stems from the policy, not from a message: exempt from the destination guard
	Said     bool   // a stranger said where it leads: a binding, a redirection, a number's holder
	Recursed bool   // it follows a redirection

	Route    []byte // value to put before the Routes of the branch: a Path, RFC 3327; nil: none
	Listener uint16 // to send from, its index plus one, unless another is forced; 0: any
	Conn     uint64 // the connection of NextHop, which is an address then; 0: none
	Flow     bool   // nothing but Conn will do: it fails as a flow, RFC 5626 §5.3.1
	Gateway  uint32 // whose NextHop is, by its number; 0: none is told how it goes
}

// Edit makes m, a copy of the request, the one of a branch.
func (t *Target) Edit(m *sip.Message) {
	if t.URI != nil {
		m.SetRURI(t.URI)
	}
	if t.Route != nil {
		m.Prepend(sip.Route, t.Route)
	}
}

// Socket is the listener a branch is sent from, where forced is that of force_send_socket.
func (t *Target) Socket(forced uint16) uint16 {
	if forced == transport.AnyListener && t.Listener != 0 {
		return t.Listener - 1
	}
	return forced
}

// Member is the Request-URI as a member of the target set: reached by the gateway that was chosen,
// or as lookup found, as long as it is the URI that lookup made it.
func (j *Job) Member() Target {
	if j.Own.Gateway != 0 || j.Own.URI != nil && string(j.Own.URI) == string(j.Msg.RURI()) {
		return j.Own
	}
	return Target{Q: 1000}
}

// Aim edits the request for its Member alone, which it returns.
func (j *Job) Aim() Target {
	t := j.Member()
	t.Edit(j.Msg)
	j.SendSocket = t.Socket(j.SendSocket)
	return t
}

// Holds reports whether a target set has a member that leads where t does. A
// member without URI has the request's own.
func Holds(set []Target, t *Target, own []byte) bool {
	uri := func(t *Target) []byte {
		if t.URI == nil {
			return own
		}
		return t.URI
	}
	for i := range set {
		if bytes.Equal(uri(&set[i]), uri(t)) && bytes.Equal(set[i].NextHop, t.NextHop) {
			return true
		}
	}
	return false
}

// FirstGroup is how many members at the front of a set sorted by q have the same q.
func FirstGroup(set []Target) int {
	n := 0
	for n < len(set) && set[n].Q == set[0].Q {
		n++
	}
	return n
}
