package media

import (
	"context"
	"errors"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/sdp"
)

// Relay is the action rtpengine.
var Relay = schema.Kind{
	Name: "rtpengine",
	Doc: "Has rtpengine relay the media of the call: each party is told an address of a node " +
		"instead of the other's. It knows by the message what to do: an offer, in INVITE or UPDATE, " +
		"or in the answer to an INVITE without one; the answer to it, in a reply route or an ACK; " +
		"the end, by a BYE, which does not wait. What was begun for an INVITE that is not answered " +
		"2xx ends by itself. In requests and replies without a session description it does nothing. " +
		"An offer that a node had before stays as it is.",
	Schema: `{
	// The backend, of driver rtpengine.
	backend!: #BackendName
	// What who gets an offer speaks: plain RTP; SRTP with keys in the session description (SDES);
	// ICE and DTLS as browsers do. Unless set as who makes it; within a call as he did before. The
	// answer is made fit for who made the offer, whatever stands here.
	to?: "rtp" | "srtp" | "webrtc"
	// The address family of who gets an offer. Unless set that of who makes it; within a call the
	// one that he had before.
	family?: "inet" | "inet6"
	// Whether media goes to where the message came from, as long as none has come from elsewhere,
	// not to where its session description says: for who is behind a NAT.
	source_address?: bool
	// Interfaces of the nodes, by name: towards who makes an offer, and who gets it.
	interfaces?: {from!: #Interface, to!: #Interface}
	// The sub-route taken when no node answers, or one refuses; unless set 503, or 488. A reply
	// passes.
	on_error?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure | schema.InReply,
	Ending: schema.Arm,
	Arms:   []string{"on_error"},
	Asks:   true,
}

// Env is what a step is made of.
type Env struct {
	// Media finds a backend that relays media, nil if it is only looked at. ok false: it is none.
	Media func(name string) (m backends.Media, ok bool)
	Args  *schema.Value // passed the Schema
	Arm   Arm           // on_error, or what is done without
}

// Arm is taken instead of the rest of a run.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

type relay struct {
	media   backends.Media
	offer   backends.Call // what of an offer the policy says
	source  bool
	onError Arm
}

// New makes a step of Relay.
func New(e *Env) (job.Step, schema.Diagnostics) {
	name, ways := e.Args.Get("backend"), e.Args.Get("interfaces")
	m, ok := e.Media(name.S)
	if !ok {
		return nil, schema.Diagnostics{
			name.Problem(schema.WrongBackend, "%q relays no media", name.S),
		}
	}
	return &relay{
		media: m, source: e.Args.Get("source_address").B, onError: e.Arm,
		offer: backends.Call{
			Profile: e.Args.Get("to").S, Family: e.Args.Get("family").S,
			From: ways.Get("from").S, To: ways.Get("to").S,
		},
	}, nil
}

// Waits implements job.Waiter.
func (s *relay) Waits() bool { return true }

// Run tells a backend what the message says of the session, and writes what it answers.
func (s *relay) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	m := j.Msg
	begins := j.Place == schema.InRequest && m.Method() == sip.INVITE && m.ToTag() == nil
	from, to, has := sdp.Span(m.Get(sip.ContentType), m.Body())
	has = has && from < to
	var role role
	switch {
	case j.Place == schema.InReply:
		role = s.inReply(m, has)
	default:
		if role = inRequest(m, has); m.Method() == sip.INVITE {
			s.media.Late(m.CallID(), !has)
		}
		if role == answers && !s.media.IsLate(m.CallID()) {
			role = nothing
		}
	}
	switch {
	case role == ends:
		s.media.Delete(m.CallID(), m.FromTag())
		return job.Next, nil
	case role != nothing && !j.MayWait:
		return job.Wait, nil
	case begins && !s.media.Knows(m.CallID()):
		j.Undo = s // one that comes by again, from a server behind us, is not its to end
	}
	if role == nothing {
		return job.Next, nil
	}
	body, err := s.ask(ctx, j, role, m.Body()[from:to])
	if err != nil {
		j.LastError, j.Err = 503, err
		if errors.Is(err, backends.ErrRefused) {
			j.LastError = 488
		}
		return s.onError(ctx, j, j.LastError), nil
	}
	old := m.Body()
	out := append(make([]byte, 0, len(old)+len(body)), old[:from]...)
	m.SetBody("", append(append(out, body...), old[to:]...))
	return job.Next, nil
}

// role is what a message is for the session, RFC 6337 §2.1.
type role uint8

const (
	nothing role = iota
	offers
	answers
	offersLate // in what answers an INVITE
	ends
)

// inRequest is the role of a request. An answer it is only if the offer was in a reply.
func inRequest(m *sip.Message, has bool) role {
	switch method := m.Method(); {
	case method == sip.BYE:
		return ends
	case !has:
	case method == sip.INVITE, method == sip.UPDATE:
		return offers
	case method == sip.ACK, method == sip.PRACK:
		return answers
	}
	return nothing
}

// inReply is the role of a reply.
func (s *relay) inReply(m *sip.Message, has bool) role {
	method, status := m.Method(), m.Status()
	switch {
	case !has || status >= 300:
	case method == sip.INVITE && s.media.IsLate(m.CallID()):
		return offersLate
	case method == sip.INVITE, status >= 200 && (method == sip.UPDATE || method == sip.PRACK):
		return answers
	}
	return nothing
}

// ask has the backend make a session description of one of j's message.
func (s *relay) ask(ctx context.Context, j *job.Job, r role, sdp []byte) ([]byte, error) {
	m := j.Msg
	c := backends.Call{
		CallID: m.CallID(), Offerer: m.FromTag(), Answerer: m.ToTag(), SDP: sdp,
	}
	if r == offersLate || r == answers && j.Place != schema.InReply {
		c.Offerer, c.Answerer = c.Answerer, c.Offerer // who asked is who answers
	}
	if s.source && j.Flow.Remote.IsValid() {
		c.Source = j.Flow.Remote.Addr().Unmap().WithZone("").String()
	}
	if r == answers {
		return s.media.Answer(ctx, &c)
	}
	c.Profile, c.Family = s.offer.Profile, s.offer.Family
	c.From, c.To = s.offer.From, s.offer.To
	return s.media.Offer(ctx, &c)
}

// Undo implements job.Undo.
func (s *relay) Undo(m *sip.Message) { s.media.Delete(m.CallID(), m.FromTag()) }
