package sip

import (
	"encoding/binary"

	"sipedge/sip/load"
)

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

func lookupHeader[T text](name T) HeaderID {
	var b [nameSize]byte
	if len(name) >= nameSize {
		return HeaderOther
	}
	b[copy(b[:], name)] = ':'
	return loadName(&b).header()
}

// name is a header field name with its colon, as little-endian words with
// zeros behind it.
type name struct{ a, b, c uint64 }

const nameSize = 24 // bytes; the longest known is P-Preferred-Identity

func loadName(b *[nameSize]byte) name {
	return name{
		binary.LittleEndian.Uint64(b[:]),
		binary.LittleEndian.Uint64(b[8:]),
		binary.LittleEndian.Uint64(b[16:]),
	}
}

func (w name) header() HeaderID {
	n := &knownNames[w.hash()]
	if w.a|n.fold.a != n.lower.a || w.b|n.fold.b != n.lower.b || w.c|n.fold.c != n.lower.c {
		return HeaderOther
	}
	return n.id
}

// hash tells all known names apart, long and compact, so that a name is
// compared with one candidate only. A test watches over the multiplier.
func (w name) hash() uint8 {
	return uint8(((w.a | ' '*load.Ones) + 2*(w.b|' '*load.Ones)) * 0x675994f63d5100db >> 56)
}

// knownNames holds each name in lower case, with the bits in which its letters
// differ from upper case: nothing but a letter has two forms.
var knownNames = func() (t [256]struct {
	lower, fold name
	id          HeaderID
}) {
	add := func(text string, id HeaderID) {
		var b, fold [nameSize]byte
		b[len(text)] = ':'
		for i := range len(text) {
			if b[i] = lower[text[i]]; b[i] >= 'a' {
				fold[i] = 'a' - 'A'
			}
		}
		n := &t[loadName(&b).hash()]
		n.lower, n.fold, n.id = loadName(&b), loadName(&fold), id
	}
	for id, n := range headerNames {
		if n.long != "" {
			add(n.long, HeaderID(id))
		}
		if n.compact != 0 {
			add(string(n.compact), HeaderID(id))
		}
	}
	return t
}()
