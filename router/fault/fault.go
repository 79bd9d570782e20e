package fault

import (
	"errors"

	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A Fault is why the proxy itself ends a request or a branch.
type Fault struct {
	Status int
	Reason string // "": the RFC's phrase
	Cause  job.Cause
	Retry  bool // with Retry-After
}

var (
	// Of a request, RFC 3261 §16.3 and RFC 5393.
	URI     = &Fault{Status: 400, Reason: "Bad Request-URI"}
	Route   = &Fault{Status: 400, Reason: "Bad Route"}
	Scheme  = &Fault{Status: 416}
	Require = &Fault{Status: 420}
	Breadth = &Fault{Status: 440}
	Loop    = &Fault{Status: 482}
	Hops    = &Fault{Status: 483}

	// Of a branch. The status is what the branch counts as in the choice of
	// the best response (§16.7 step 6).
	Dropped     = &Fault{Status: 480, Reason: "No Branch Left"}
	Guarded     = &Fault{Status: 403, Reason: "Destination Not Allowed"}
	Stranger    = &Fault{Status: 403, Reason: "Route Not Allowed"}
	NotFound    = &Fault{Status: 480, Reason: "Unresolvable Destination"}
	Unresolved  = &Fault{Status: 500, Reason: "Next Hop Not Resolved"}
	Unreachable = &Fault{Status: 500, Reason: "No Transport To Next Hop"}
	TooLarge    = &Fault{Status: 513}
	Send        = &Fault{Status: 503, Cause: job.CauseTransport} // §16.9
	Limit       = &Fault{Status: 503, Cause: job.CauseTransport} // §16.9, but not the hop's doing
	Flow        = &Fault{Status: 430, Cause: job.CauseTransport} // RFC 5626 §5.3.1
	Timeout     = &Fault{Status: 408, Cause: job.CauseTimeout}   // §16.8
	Response    = &Fault{Status: 502}                            // without the caller's Via
	Spared      = &Fault{Status: 503, Reason: "Next Hop Asked To Wait", Cause: job.CauseTransport}
	Full        = &Fault{Status: 503, Reason: "Overloaded", Retry: true}
)

// OfHop is why a next hop was not found.
func OfHop(err error) *Fault {
	switch {
	case errors.Is(err, nexthop.ErrURI):
		return URI
	case errors.Is(err, nexthop.ErrRoute):
		return Route
	case errors.Is(err, nexthop.ErrScheme):
		return Scheme
	case errors.Is(err, resolve.ErrNotFound):
		return NotFound
	case errors.Is(err, resolve.ErrTransport):
		return Unreachable
	}
	return Unresolved
}

// OfSend is why a request did not leave.
func OfSend(err error) *Fault {
	switch {
	case errors.Is(err, transport.ErrTooLarge):
		return TooLarge
	case errors.Is(err, transport.ErrNoListener):
		return Unreachable
	case errors.Is(err, transaction.ErrFull):
		return Full
	case transport.Ours(err):
		return Limit
	}
	return Send
}
