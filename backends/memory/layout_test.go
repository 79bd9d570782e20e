package memory

import (
	"testing"

	"sipedge/backends"
)

// What OpenSIPS's and Kamailio's tables never have as NULL is not written as NULL: a phone may
// send no User-Agent.
func TestNeverNull(t *testing.T) {
	b := &backends.Binding{Contact: []byte("sip:a@192.0.2.1"), CallID: []byte("c")}
	for as, l := range layouts {
		for _, c := range l.row([]byte("bob@example.net"), b) {
			switch c.Column {
			case "domain", "received", "path", "socket", "methods", "sip_instance", "instance", "attr":
				continue
			}
			if c.Value == nil {
				t.Errorf("%s: %s is NULL", as, c.Column)
			}
		}
	}
}
