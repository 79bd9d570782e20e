package job

import (
	"bytes"
	"context"
	"time"

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
	// Wait: the step would have to wait, may not here, and has done nothing. It is run again
	// where it may.
	Wait
)

// Step is one action of a rule, ready to run.
type Step interface {
	Run(ctx context.Context, j *Job) (Verdict, error)
}

// Waiter is a Step that may return Wait, as long as the job may not.
type Waiter interface{ Waits() bool }

// Route is a compiled route: a stable pointer, filled in a second pass, so
// that routes may name each other. It returns Next, Done, Drop or Wait.
type Route interface {
	Run(ctx context.Context, j *Job) Verdict
	Waiter
}

// Frame is where a run goes on that returned Wait: one for each route and arm it was in.
type Frame interface {
	// Resume gets the verdict of what ran inside it; Wait: run the step that waits.
	Resume(ctx context.Context, j *Job, v Verdict) Verdict
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

// Job is one run of a policy over a message: a request, a branch of it, a
// failed request, a reply. Actions edit Msg in place and read it as edited.
// Jobs are pooled and never copied as a whole; nothing in one outlives its
// run but what proxy keeps.
type Job struct {
	Place schema.Place // the route type that runs
	Now   time.Time    // when the run began by the router's clock; zero: ask the wall clock
	Flow  transport.Flow
	Msg   *sip.Message // the request (in a reply route the response) with its edits
	Size  int          // bytes of the request as it was received; 0: of Msg's
	Self  *Self

	Server  transaction.Server // zero until the policy asks for state
	Word    uint64             // of proxy's response context, 0 until then
	Context any                // the response context that runs this route, or nil

	Targets     []Target     // by append_branch, behind the request's own URI
	Own         Target       // how the Request-URI is reached, see Member; by lookup and dispatch
	Choice      Choice       // of the gateway; by dispatch and lcr
	Ways        *Ways        // by lcr; nil: Choice has the plan
	Groups      bool         // serialize_branches ran: the next relay takes the highest q only
	Serial      bool         // the engine goes on to the groups of lower q by itself
	Received    []byte       // the Request-URI as received, for revert_uri
	RecordRoute *RecordRoute // what record_route asks for; nil: it has not run
	RRParams    []byte       // its parameters, ";a=b"
	SendSocket  uint16       // force_send_socket: index, or transport.AnyListener
	Direction   Direction
	Verified    bool // loose_route met a valid tag
	Admitted    bool // it may be sent on, RFC 3261 §16.3

	Status    int             // failure, reply: of the (best) response; 408 of a timeout
	Cause     Cause           // failure
	Malformed *sip.ParseError // error: what is wrong with the request
	Err       error           // of the step that failed the run
	LastError int             // status of the last internal error, for reply_error; 0 none

	// Undo undoes what the run did when its request, an INVITE that begins a dialog, is not
	// answered 2xx; nil: nothing.
	Undo Undo

	Answered bool // replied, relayed, forwarded or dropped by decision
	Auth     Auth // who authenticated; empty: nobody

	MayWait bool // steps may block, until ctx ends: on a goroutine of the pool
	frames  []Frame

	Trace *Trace    // records the decision; nil: nobody asked
	step  *StepDone // that runs, in a Trace

	Branch int     // branch: its index among the branches of the transaction, from 0
	Vars   Values  // var.*: of this run
	Shared *Values // avp.* of the transaction; nil: there is none, see AVP

	avp   Values
	arena []byte
	later []func()
}

// Hold keeps where the run goes on; the innermost comes first.
func (j *Job) Hold(f Frame) { j.frames = append(j.frames, f) }

// Resume goes on with a run that returned Wait, and returns its verdict. From here on steps may
// wait.
func (j *Job) Resume(ctx context.Context) Verdict {
	frames := j.frames
	j.frames, j.MayWait = nil, true
	v := Wait
	for _, f := range frames {
		v = f.Resume(ctx, j, v)
	}
	return v
}

// Undo is what has to be done when a request has not succeeded, however that came.
type Undo interface{ Undo(request *sip.Message) }

// Auth is who proved to be somebody: a user, a NUL, and the realm that knows him.
type Auth []byte

// User is the name without a domain, its escapes read.
func (a Auth) User() []byte {
	user, _, _ := bytes.Cut(a, nul)
	return user
}

// Realm is where the user is known.
func (a Auth) Realm() []byte {
	_, realm, _ := bytes.Cut(a, nul)
	return realm
}

var nul = []byte{0}

// SetAuth notes who authenticated.
func (j *Job) SetAuth(user, realm []byte) {
	var buf [128]byte
	j.Auth = j.Bytes(append(append(append(buf[:0], user...), 0), realm...))
}

// Later has f called when the run has ended, by Ended.
func (j *Job) Later(f func()) { j.later = append(j.later, f) }

// Ended calls what the run put off, in its order.
func (j *Job) Ended() {
	for len(j.later) > 0 {
		f := j.later[0]
		j.later = j.later[1:]
		f()
	}
}

// AVP is the store of avp.*: the transaction's, or of this run while it has none.
func (j *Job) AVP() *Values {
	if j.Shared != nil {
		return j.Shared
	}
	return &j.avp
}

// Share hands what this run stored in avp.* over to the transaction, which
// keeps it in to. to is empty.
func (j *Job) Share(to *Values) {
	*to, j.avp = j.avp, *to
	j.Shared = to
}

// Pool runs what may block, with a bound. Go returns false when full: the
// caller answers 503 with Retry-After.
type Pool interface {
	Go(f func(ctx context.Context)) bool
}
