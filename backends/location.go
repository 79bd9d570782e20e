package backends

import "time"

// Binding is one of an address of record to a contact, RFC 3261 §10, as the location table has it.
type Binding struct {
	Contact   []byte // URI
	Received  []byte // URI it came from, when another than Contact leads there; or empty
	Path      []byte // value of Path, RFC 3327; or empty
	CallID    []byte
	CSeq      uint32
	Q         int // 0–1000
	Expires   time.Time
	Modified  time.Time
	Flags     uint32
	UserAgent []byte
	Listener  []byte // it came by: "udp:192.0.2.1:5060"
	Methods   uint32 // bit m: the contact allows sip.Method m; 0: not told
	Instance  []byte // +sip.instance, RFC 5626; or empty
	RegID     uint32
	Attr      []byte // of the policy
}
