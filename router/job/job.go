package job

import (
	"context"
	"net/netip"

	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/transaction"
	"sipedge/sip/transport"
)

// Verdict is how a step or a route ended.
type Verdict uint8

const (
	Next   Verdict = iota // go on: next step, next rule; of a route: ran off its end
	Return                // leave the sub-route; the caller goes on
	Done                  // the run ended: replied, relayed, forwarded, or exit
	Drop                  // the run ended in silence; in a branch route: not this branch
)

// Step is one action of a rule, ready to run.
type Step interface {
	Run(ctx context.Context, j *Job) (Verdict, error)
}

// Route is a compiled route: a stable pointer, filled in a second pass, so that routes may name each other.
// It returns Next, Done or Drop.
type Route interface {
	Run(ctx context.Context, j *Job) Verdict
}

// Direction of an in-dialog request after loose_route, or of a reply's request.
type Direction uint8

const (
	NoDirection Direction = iota
	Downstream            // from the dialog's initiator
	Upstream
)

// Cause of a failed branch that no response explains.
type Cause uint8

const (
	NoCause Cause = iota
	CauseTimeout
	CauseTransport
)

// Target is one member of the target set, RFC 3261 §16.5.
type Target struct {
	URI     []byte // Request-URI of the branch; nil: the request's own
	Q       int    // 0–1000
	NextHop []byte // URI of the next hop, nil: by Route or Request-URI
	Local   bool   // stems from the policy, not from a message: exempt from the destination guard
}

// Job is one run of a policy over a message: a request, a branch of it, a
// failed request, a reply. Actions edit Msg in place and read it as edited.
// Jobs are pooled; nothing in one outlives its run but what proxy keeps.
type Job struct {
	Place schema.Place // the route type that runs
	Flow  transport.Flow
	Msg   *sip.Message // the request (or, in a reply route, the response) with its edits
	Self  *Self

	Server  transaction.Server // zero until the policy asks for state
	Context any                // proxy's response context, nil until then

	Targets     []Target // extra members, added by append_branch; the request's own URI is the first
	Groups      bool     // serialize_branches ran: relay takes the members of highest q only
	Received    []byte   // the Request-URI as received, for revert_uri
	RecordRoute bool     // record_route ran
	RRParams    []byte   // its parameters, ";a=b"
	SendSocket  uint16   // force_send_socket: index into Listeners, or transport.AnyListener
	Direction   Direction
	Verified    bool // loose_route met a valid tag
	NextRoute   bool // loose_route ran and a Route (or target) was taken from it

	Status    int   // failure, reply: the response's (best) status; 408 of a timeout
	Cause     Cause // failure
	LastError int   // status of the last internal error, for reply_error; 0 none

	Answered bool // replied, relayed, forwarded or dropped by decision

	arena []byte
}

// Bytes copies b into the job's arena and returns the copy, which lives as long as the run.
func (j *Job) Bytes(b []byte) []byte { panic("contract") }

// Reset prepares a pooled job for a new run.
func (j *Job) Reset() { panic("contract") }

// Get and Put pool jobs.
func Get() *Job  { panic("contract") }
func Put(j *Job) { panic("contract") }

// Self is the single predicate of what is this router: bound addresses, advertised names, aliases, served domains (B10). Immutable.
type Self struct{}

// NewSelf makes the predicate. domains match without regard to port rules' exceptions: host equal and (no port, or a port of one of
// the listeners); aliases are host or host:port.
func NewSelf(listeners []transport.Listener, domains, aliases []string) *Self { panic("contract") }

// Is reports whether host:port (port 0: none given) of the transport (NoTransport: any) is this router. host has no brackets.
func (s *Self) Is(host []byte, port uint16, t sip.Transport) bool { panic("contract") }

// Listener is Is for what may be consumed as our own Route or Via: bound and advertised addresses and aliases, not domains.
func (s *Self) Listener(host []byte, port uint16, t sip.Transport) bool { panic("contract") }

// Owns reports whether addr is an address and port bound by a listener.
func (s *Self) Owns(addr netip.AddrPort) bool { panic("contract") }

// Pool runs what may block, with a bound. Go returns false when full: the caller answers 503 with Retry-After.
type Pool interface {
	Go(f func(ctx context.Context)) bool
}
