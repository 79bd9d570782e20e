package proxy

import (
	"errors"

	"sipedge/router/job"
	"sipedge/sip/resolve"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// A fault is why the proxy itself ends a request or a branch.
type fault struct {
	status int
	reason string // "": the RFC's phrase
	cause  job.Cause
	retry  bool // with Retry-After
}

var (
	// Of a request, RFC 3261 §16.3 and RFC 5393.
	faultURI     = &fault{status: 400, reason: "Bad Request-URI"}
	faultRoute   = &fault{status: 400, reason: "Bad Route"}
	faultScheme  = &fault{status: 416}
	faultRequire = &fault{status: 420}
	faultBreadth = &fault{status: 440}
	faultLoop    = &fault{status: 482}
	faultHops    = &fault{status: 483}

	// Of a branch. The status is what the branch counts as in the choice of
	// the best response (§16.7 step 6).
	faultDropped     = &fault{status: 480, reason: "No Branch Left"}
	faultGuarded     = &fault{status: 403, reason: "Destination Not Allowed"}
	faultStranger    = &fault{status: 403, reason: "Route Not Allowed"}
	faultNotFound    = &fault{status: 480, reason: "Unresolvable Destination"}
	faultUnresolved  = &fault{status: 500, reason: "Next Hop Not Resolved"}
	faultUnreachable = &fault{status: 500, reason: "No Transport To Next Hop"}
	faultTooLarge    = &fault{status: 513}
	faultSend        = &fault{status: 503, cause: job.CauseTransport} // §16.9
	faultTimeout     = &fault{status: 408, cause: job.CauseTimeout}   // §16.8
	faultResponse    = &fault{status: 502}                            // without the caller's Via
	faultFull        = &fault{status: 503, reason: "Overloaded", retry: true}
)

func resolveFault(err error) *fault {
	switch {
	case errors.Is(err, resolve.ErrNotFound):
		return faultNotFound
	case errors.Is(err, resolve.ErrTransport):
		return faultUnreachable
	}
	return faultUnresolved
}

func sendFault(err error) *fault {
	switch {
	case errors.Is(err, transport.ErrTooLarge):
		return faultTooLarge
	case errors.Is(err, transport.ErrNoListener):
		return faultUnreachable
	case errors.Is(err, transaction.ErrFull):
		return faultFull
	}
	return faultSend
}
