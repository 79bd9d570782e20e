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
	if len(name) < 8 {
		return shortName(loadName(&b).a)
	}
	return loadName(&b).header()
}

// Names are looked up with their colon, as little-endian words with zeros
// behind it: the longest known is Proxy-Preferred-Identity's.
type longName struct{ a, b, c uint64 }

const nameSize = 24

func loadName(b *[nameSize]byte) longName {
	return longName{
		binary.LittleEndian.Uint64(b[:]),
		binary.LittleEndian.Uint64(b[8:]),
		binary.LittleEndian.Uint64(b[16:]),
	}
}

// shortName returns the ID of a name of one word.
func shortName(w uint64) HeaderID {
	n := &shortNames[shortHash(w)]
	if w|n.fold != n.lower {
		return HeaderOther
	}
	return n.id
}

// header returns the ID of a name of more than one word.
func (w longName) header() HeaderID {
	n := &longNames[w.hash()]
	if w.a|n.fold.a != n.lower.a || w.b|n.fold.b != n.lower.b || w.c|n.fold.c != n.lower.c {
		return HeaderOther
	}
	return n.id
}

// The hashes tell all known names apart, so that a name is compared with one
// candidate only. A test watches over the multipliers.

func shortHash(w uint64) uint64 { return (w | ' '*load.Ones) * 0x293a0c2bf9fc6569 >> 57 }

func (w longName) hash() uint64 {
	return ((w.a | ' '*load.Ones) + 2*(w.b|' '*load.Ones)) * 0xdbeaa0fe2f8c1ff >> 57
}

// A known name is held in lower case, with the bits in which its letters
// differ from upper case: nothing but a letter has two forms.
var (
	shortNames [1 << 7]struct {
		lower, fold uint64
		id          HeaderID
	}
	longNames [1 << 7]struct {
		lower, fold longName
		id          HeaderID
	}
)

func init() {
	add := func(name string, id HeaderID) {
		var b, fold [nameSize]byte
		b[len(name)] = ':'
		for i := range len(name) {
			b[i] = lower[name[i]]
			if b[i] >= 'a' {
				fold[i] = 'a' - 'A'
			}
		}
		w, f := loadName(&b), loadName(&fold)
		if len(name) < 8 {
			n := &shortNames[shortHash(w.a)]
			n.lower, n.fold, n.id = w.a, f.a, id
		} else {
			n := &longNames[w.hash()]
			n.lower, n.fold, n.id = w, f, id
		}
	}
	for id, n := range headerNames {
		if n.long != "" {
			add(n.long, HeaderID(id))
		}
		if n.compact != 0 {
			add(string(n.compact), HeaderID(id))
		}
	}
}
