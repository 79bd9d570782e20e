package sip

import "encoding/binary"

// HeaderID names a header field the router knows. A header unknown to it
// has the ID HeaderOther and is found by name.
type HeaderID uint8

const (
	HeaderOther HeaderID = iota
	Via
	From
	To
	CallID
	CSeq
	MaxForwards
	ContentLength
	Contact
	Route
	RecordRoute
	ContentType
	Expires
	MinExpires
	Require
	ProxyRequire
	Supported
	Unsupported
	Allow
	Authorization
	ProxyAuthorization
	WWWAuthenticate
	ProxyAuthenticate
	RetryAfter
	Reason
	Path
	ServiceRoute
	Event
	SubscriptionState
	SIPETag
	SIPIfMatch
	ReferTo
	UserAgent
	Server
	Date
	Timestamp
	MaxBreadth
	SessionExpires
	MinSE
	PAssertedIdentity
	PPreferredIdentity
	Privacy
	Accept
	Warning
	AllowEvents
	Subject
	ContentEncoding
	Identity
	ReferredBy
	AcceptContact
	RejectContact
	RequestDisposition
	IdentityInfo
	headerCount
)

// headerNames holds each name as its RFC writes it and its compact form.
var headerNames = [headerCount]struct {
	long    string
	compact byte
}{
	Via:                {"Via", 'v'},
	From:               {"From", 'f'},
	To:                 {"To", 't'},
	CallID:             {"Call-ID", 'i'},
	CSeq:               {"CSeq", 0},
	MaxForwards:        {"Max-Forwards", 0},
	ContentLength:      {"Content-Length", 'l'},
	Contact:            {"Contact", 'm'},
	Route:              {"Route", 0},
	RecordRoute:        {"Record-Route", 0},
	ContentType:        {"Content-Type", 'c'},
	Expires:            {"Expires", 0},
	MinExpires:         {"Min-Expires", 0},
	Require:            {"Require", 0},
	ProxyRequire:       {"Proxy-Require", 0},
	Supported:          {"Supported", 'k'},
	Unsupported:        {"Unsupported", 0},
	Allow:              {"Allow", 0},
	Authorization:      {"Authorization", 0},
	ProxyAuthorization: {"Proxy-Authorization", 0},
	WWWAuthenticate:    {"WWW-Authenticate", 0},
	ProxyAuthenticate:  {"Proxy-Authenticate", 0},
	RetryAfter:         {"Retry-After", 0},
	Reason:             {"Reason", 0},
	Path:               {"Path", 0},
	ServiceRoute:       {"Service-Route", 0},
	Event:              {"Event", 'o'},
	SubscriptionState:  {"Subscription-State", 0},
	SIPETag:            {"SIP-ETag", 0},
	SIPIfMatch:         {"SIP-If-Match", 0},
	ReferTo:            {"Refer-To", 'r'},
	UserAgent:          {"User-Agent", 0},
	Server:             {"Server", 0},
	Date:               {"Date", 0},
	Timestamp:          {"Timestamp", 0},
	MaxBreadth:         {"Max-Breadth", 0},
	SessionExpires:     {"Session-Expires", 'x'},
	MinSE:              {"Min-SE", 0},
	PAssertedIdentity:  {"P-Asserted-Identity", 0},
	PPreferredIdentity: {"P-Preferred-Identity", 0},
	Privacy:            {"Privacy", 0},
	Accept:             {"Accept", 0},
	Warning:            {"Warning", 0},
	AllowEvents:        {"Allow-Events", 'u'},
	Subject:            {"Subject", 's'},
	ContentEncoding:    {"Content-Encoding", 'e'},
	Identity:           {"Identity", 'y'},
	ReferredBy:         {"Referred-By", 'b'},
	AcceptContact:      {"Accept-Contact", 'a'},
	RejectContact:      {"Reject-Contact", 'j'},
	RequestDisposition: {"Request-Disposition", 'd'},
	IdentityInfo:       {"Identity-Info", 'n'},
}

// String returns the name as the RFC writes it; "" for HeaderOther.
func (h HeaderID) String() string {
	if h >= headerCount {
		return ""
	}
	return headerNames[h].long
}

// LookupHeader returns the ID of a header field name, long or compact,
// without regard to case (RFC 3261 §7.3.1, §7.3.3), or HeaderOther.
func LookupHeader(name []byte) HeaderID { return lookupHeader(name) }

func lookupHeader[T text](s T) HeaderID {
	switch {
	case len(s) == 1:
		return compactHeaders[s[0]]
	case len(s) >= nameSize:
		return HeaderOther
	}
	var b nameBytes
	b[copy(b[:], s)] = ':'
	return b.load().header()
}

// name is a header field name with its colon as little-endian words, zeros
// behind it, so that names are found and compared eight bytes at a time.
type name struct{ a, b, c uint64 }

const nameSize = 24 // bytes; no known name with its colon is longer

type nameBytes [nameSize]byte

func (b *nameBytes) load() name {
	return name{
		binary.LittleEndian.Uint64(b[:]),
		binary.LittleEndian.Uint64(b[8:]),
		binary.LittleEndian.Uint64(b[16:]),
	}
}

// loadName loads what b[i:] begins with.
func loadName(b []byte, i int) name {
	if i+nameSize <= len(b) {
		return (*nameBytes)(b[i : i+nameSize]).load()
	}
	return loadTail(b[i:])
}

func loadTail(b []byte) name {
	var padded nameBytes
	copy(padded[:], b)
	return padded.load()
}

// header returns the kind of a field with the long name w.
func (w name) header() HeaderID {
	id := longHeaders[w.hash()]
	known := &foldedNames[id]
	if w.a|known.fold.a != known.lower.a || w.b|known.fold.b != known.lower.b ||
		w.c|known.fold.c != known.lower.c {
		return HeaderOther
	}
	return id
}

// hash tells all known names apart, so that a name is compared with one
// candidate only. A test watches over the multiplier.
func (w name) hash() uint8 {
	const fold = ' ' * ones
	return uint8((w.a | fold + 2*(w.b|fold)) * 0x1a714cf86b83d0e3 >> 56)
}

// foldedName is a known name in lower case, and the bits in which its
// letters differ from upper case: nothing but a letter has two forms.
type foldedName struct{ lower, fold name }

var foldedNames = func() (t [headerCount]foldedName) {
	for id, n := range headerNames {
		var b, fold nameBytes
		b[len(n.long)] = ':'
		for i := range len(n.long) {
			b[i] = lower[n.long[i]]
			if b[i] >= 'a' {
				fold[i] = 'a' - 'A'
			}
		}
		t[id] = foldedName{b.load(), fold.load()}
	}
	return t
}()

var longHeaders = func() (t [256]HeaderID) {
	for id := HeaderOther + 1; id < headerCount; id++ {
		t[foldedNames[id].lower.hash()] = id
	}
	return t
}()

var compactHeaders = func() (t [256]HeaderID) {
	for id, n := range headerNames {
		if n.compact != 0 {
			t[n.compact] = HeaderID(id)
			t[n.compact-'a'+'A'] = HeaderID(id)
		}
	}
	return t
}()
