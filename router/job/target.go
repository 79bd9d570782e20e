package job

import "bytes"

// Target is one member of the target set, RFC 3261 §16.5.
type Target struct {
	URI     []byte // Request-URI of the branch; nil: the request's own
	Q       int    // 0–1000
	NextHop []byte // URI of the next hop, nil: by Route or Request-URI
	Local   bool   // stems from the policy, not from a message: exempt from the destination guard
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
