package sip

import "unique"

// HostName is the name of a host in a word, comparable: in lower case, without a last dot.
// The zero value is no name.
type HostName struct{ h unique.Handle[string] }

// NewHostName returns the HostName of s, which is in lower case.
func NewHostName(s string) (n HostName) {
	if l := len(s) - 1; l >= 0 && s[l] == '.' {
		s = s[:l]
	}
	if s == "" {
		return n
	}
	return HostName{unique.Make(s)}
}

// String returns the name, "" for none.
func (n HostName) String() string {
	if n == (HostName{}) {
		return ""
	}
	return n.h.Value()
}
