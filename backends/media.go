package backends

import (
	"context"

	"sipedge/schema"
)

// Media relays the media of calls: it gives the parties addresses of its own, to which they send.
type Media interface {
	// Offer returns a session description for who gets the offer of c. It may have done nothing
	// before: then another node may be asked.
	Offer(ctx context.Context, c *Call) (sdp []byte, err error)
	// Answer returns a session description for who made the offer that c answers.
	Answer(ctx context.Context, c *Call) (sdp []byte, err error)
	// Delete ends the media of a call. It does not wait, and nobody is told whether it was done.
	Delete(callID, fromTag []byte)
	// Late notes whether the offer of an INVITE is in what answers it, which IsLate tells as long
	// as there is room.
	Late(callID []byte, is bool)
	IsLate(callID []byte) bool
	// Knows reports whether an offer of a call was answered, and the call not deleted since, as far
	// as there is room to remember it.
	Knows(callID []byte) bool
}

// Call is an offer or an answer, RFC 3264. Nothing of it is kept.
type Call struct {
	CallID   []byte
	Offerer  []byte // tag of who made the offer
	Answerer []byte // tag of who answers; nil: not known yet
	SDP      []byte
	Source   string // address that the message came from; "": what SDP says counts
	Profile  string // what who gets it speaks: rtp, srtp, webrtc; "": what the other side does
	Family   string // inet, inet6; "": that of what came
	From, To string // interfaces, by name, of who sends it and who gets it; "": the default
}

// MediaNode is a server that relays media.
type MediaNode struct {
	Address  string
	Weight   int
	Enabled  bool // by the operator, for new calls
	Up       bool // it answers
	Calls    uint64
	Errors   uint64 // commands that it refused
	Timeouts uint64 // commands that it did not answer
	Pings    uint64
	Lost     uint64 // pings that it did not answer
}

// MediaNodes is a Media of several nodes, which an operator may take out of service.
type MediaNodes interface {
	Media
	Nodes() []MediaNode
	// Enable has new calls go to a node, or no longer. False: there is none of the address.
	Enable(address string, enabled bool) bool
	// WatchNodes has f, and nobody else any more, called when a node changes from up to not, is
	// enabled or is not any more. f is quick.
	WatchNodes(f func(MediaNode))
}

// MediaOf returns a backend that relays media; nil: it is none.
func (s *Services) MediaOf(name string) Media {
	m, _ := s.Get(name).(Media)
	return m
}

// DeclaredMedia reports whether a backend that is not opened relays media, as far as its driver
// is known.
func DeclaredMedia(list []schema.Backend, name string) bool {
	for _, b := range list {
		if d, ok := b.Maker.(Driver); b.Name == name {
			return !ok || d.Relays
		}
	}
	return true
}

// StubMedia stands for a Media in the test of a policy: what it gives the parties is their own
// session description, with "a=relayed" at its end.
type StubMedia struct {
	Fails bool // it can't answer
	late  map[string]bool
	calls map[string]bool // that had an offer
}

// Relayed is the line that ends what a StubMedia gives.
const Relayed = "a=relayed\r\n"

func (s *StubMedia) answer() error {
	if s.Fails {
		return errStub
	}
	return nil
}

// Ping is Backend's.
func (s *StubMedia) Ping(context.Context) error { return s.answer() }

// Close is Backend's.
func (s *StubMedia) Close() error { return nil }

// Offer is Media's.
func (s *StubMedia) Offer(_ context.Context, c *Call) ([]byte, error) {
	if s.calls == nil {
		s.calls = map[string]bool{}
	}
	s.calls[string(c.CallID)] = !s.Fails
	return append(c.SDP[:len(c.SDP):len(c.SDP)], Relayed...), s.answer()
}

// Answer is Media's.
func (s *StubMedia) Answer(_ context.Context, c *Call) ([]byte, error) {
	return append(c.SDP[:len(c.SDP):len(c.SDP)], Relayed...), s.answer()
}

// Delete is Media's.
func (s *StubMedia) Delete(callID, _ []byte) { delete(s.calls, string(callID)) }

// Knows is Media's.
func (s *StubMedia) Knows(callID []byte) bool { return s.calls[string(callID)] }

// Late is Media's.
func (s *StubMedia) Late(callID []byte, is bool) {
	if s.late == nil {
		s.late = map[string]bool{}
	}
	s.late[string(callID)] = is
}

// IsLate is Media's.
func (s *StubMedia) IsLate(callID []byte) bool { return s.late[string(callID)] }
