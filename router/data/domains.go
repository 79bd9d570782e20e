package data

import (
	"bytes"
	"time"
)

// Serves reports whether a table of domains has a host: as a key, or as .key at its end, of which
// the value says that subdomains are served too.
func (t *Table) Serves(host []byte) bool {
	if t.In(host, time.Time{}) {
		return true
	}
	var buf [64]byte
	for t.kind == Map {
		_, parent, more := bytes.Cut(host, dot)
		if !more {
			break
		}
		value, _ := t.Lookup(buf[:0], parent, time.Time{})
		if len(value) > 0 && string(value) != "0" {
			return true
		}
		host = parent
	}
	return false
}

var dot = []byte(".")
