package sip

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
	switch len(name) {
	case 0:
		return HeaderOther
	case 1:
		return compactHeaders[name[0]]
	}
	id := longHeaders[headerHash(name)]
	if long := headerNames[id].long; string(name) == long || equalFold(name, long) {
		return id
	}
	return HeaderOther
}

// headerHash tells all known names apart, so that a name is compared with
// one candidate only. A test watches over the multipliers.
func headerHash[T text](name T) uint8 {
	n := len(name)
	return uint8(n) + lower[name[0]] + 25*(lower[name[n-1]]+lower[name[n/2]])
}

var longHeaders = func() (t [256]HeaderID) {
	for id := HeaderOther + 1; id < headerCount; id++ {
		t[headerHash(headerNames[id].long)] = id
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
