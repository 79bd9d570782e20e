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
	headerCount
)

// LookupHeader returns the ID of a header field name, long or compact,
// without regard to case (RFC 3261 §7.3.1, §7.3.3), or HeaderOther.
func LookupHeader(name []byte) HeaderID { panic("contract") }

// String returns the name as the RFC writes it; "" for HeaderOther.
func (h HeaderID) String() string { panic("contract") }
