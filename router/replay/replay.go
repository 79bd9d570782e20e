package replay

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/netip"
	"time"

	"sipedge/router/scene"
	"sipedge/schema"
	"sipedge/sip"
	"sipedge/sip/recording"
)

// Config is what to replay, and who is told of it.
type Config struct {
	Old, New *schema.Document
	Files    []string // recordings
	// Differs gets each request whose fate differs; its error ends the replay.
	Differs func(*Difference) error
	// Trouble gets what could not be read, and the requests that are malformed.
	Trouble func(Trouble)
	// Progress is called now and then; nil: it is not.
	Progress func(*Counts)
}

// Difference is a request with its two fates.
type Difference struct {
	File     string
	At       recording.Place
	Request  string // its start line
	CallID   string
	Source   string // 203.0.113.9:5060/udp
	Old, New *Fate
}

// Trouble is a recording, or a place in one, that is not as it should be.
type Trouble struct {
	File string
	At   recording.Place // zero: the recording could not be read to its end
	Err  error
}

// Counts are the messages of recordings by what became of them.
type Counts struct {
	Recordings int     `json:"recordings"`
	Messages   int     `json:"messages"`  // read
	Requests   int     `json:"requests"`  // of these, that were replayed
	Malformed  int     `json:"malformed"` // of these, for the engine or the error route
	Same       int     `json:"same"`
	Differ     int     `json:"differ"`
	Skipped    Skipped `json:"skipped"`
	Faults     int     `json:"faults"`     // parts of recordings that gave no message
	Unreadable int     `json:"unreadable"` // recordings that could not be read to the end
	Other      int     `json:"other"`      // packets and connections that were no SIP
	// Own are the addresses taken for those of listeners on all addresses: those that
	// most requests went to.
	Own []netip.Addr `json:"own,omitempty"`
}

// Skipped are messages that were not replayed, by the reason.
type Skipped struct {
	Responses  int `json:"responses"`
	Elsewhere  int `json:"elsewhere"`  // requests that did not come to the router
	Repeated   int `json:"repeated"`   // retransmissions
	Engine     int `json:"engine"`     // ACK and CANCEL of an INVITE before: no rule meets them
	Unreceived int `json:"unreceived"` // neither policy has a listener for them
}

// Run replays recordings:
//
//  1. A first look finds out which requests came to the router: survey.
//  2. Each request of these that is none the engine deals with by itself is
//     played under both policies.
//
// The error is of a policy that cannot be played, or of Config.Differs.
func Run(c *Config) (*Counts, error) {
	r := &replay{Config: c, known: map[[16]byte]struct{}{}, hosts: scene.NewHosts()}
	r.survey = look(c)
	r.Own = r.survey.own
	r.old, r.new = r.side(c.Old), r.side(c.New)
	for _, file := range c.Files {
		if err := r.recording(file); err != nil {
			return nil, err
		}
	}
	return &r.Counts, nil
}

type replay struct {
	*Config
	Counts
	survey   *survey
	known    map[[16]byte]struct{} // transactions so far
	hosts    scene.Hosts           // the same names have the same addresses for both
	old, new *side
	now      time.Time // of both; zero: nothing was recorded with its time yet
}

func (r *replay) recording(file string) error {
	r.Recordings++
	in, err := recording.Open(file)
	if err != nil {
		r.Unreadable++
		r.Trouble(Trouble{File: file, Err: err})
		return nil
	}
	defer in.Close()
	for m, err := range in.Messages() {
		var fault *recording.Fault
		switch {
		case errors.As(err, &fault):
			r.Faults++
			r.Trouble(Trouble{file, fault.At, fault.Err})
		case err != nil:
			r.Unreadable++
			r.Trouble(Trouble{File: file, Err: err})
		default:
			r.Messages++
			if err := r.message(file, m); err != nil {
				return err
			}
		}
		if r.Progress != nil {
			r.Progress(&r.Counts)
		}
	}
	r.Other += in.Other()
	return nil
}

// message decides what becomes of a message.
func (r *replay) message(file string, m *recording.Message) error {
	var p sip.Message
	broken := p.Parse(m.Bytes)
	var count *int
	switch {
	case !p.IsRequest():
		count = &r.Skipped.Responses
	case !r.survey.came(file, m):
		count = &r.Skipped.Elsewhere
	default:
		count = r.repeated(m, &p, broken != nil)
	}
	if count != nil {
		*count++
		return nil
	}
	q := &request{
		m: m, callID: string(p.CallID()),
		old: arrive(m, &p, r.old.listeners), new: arrive(m, &p, r.new.listeners),
	}
	if q.old.err != nil && q.new.err != nil {
		r.Skipped.Unreceived++
		return nil
	}
	r.Requests++
	if broken != nil {
		r.Malformed++
		r.Trouble(Trouble{file, m.At, broken})
	}
	return r.compare(file, q)
}

// repeated finds what the engine deals with before any rule, by what identifies a
// transaction: it returns what to count it by, or nil.
func (r *replay) repeated(m *recording.Message, p *sip.Message, broken bool) *int {
	via, ok := p.TopVia()
	if broken || !ok || !via.RFC3261() {
		from, to := m.From.String(), m.To.String()
		if r.seen([]byte(from), []byte(to), m.Bytes) {
			return &r.Skipped.Repeated
		}
		return nil
	}
	key := func(method []byte) [][]byte {
		return [][]byte{method, via.Branch, p.CallID(), p.FromTag(), {
			byte(p.CSeq() >> 24), byte(p.CSeq() >> 16), byte(p.CSeq() >> 8), byte(p.CSeq()),
		}}
	}
	if r.seen(key(p.MethodName())...) {
		return &r.Skipped.Repeated
	}
	if p.Method() == sip.ACK || p.Method() == sip.CANCEL {
		if _, ok := r.known[sum(key([]byte("INVITE"))...)]; ok {
			return &r.Skipped.Engine
		}
	}
	return nil
}

// seen reports whether the same was asked before.
func (r *replay) seen(parts ...[]byte) bool {
	k := sum(parts...)
	_, ok := r.known[k]
	r.known[k] = struct{}{}
	return ok
}

func sum(parts ...[]byte) [16]byte {
	all := sha256.Sum256(bytes.Join(parts, []byte{0}))
	return [16]byte(all[:16])
}

// compare plays a request under both policies.
func (r *replay) compare(file string, q *request) error {
	r.tick(q.m.Time)
	before, err := r.old.play(q, &q.old, r.now)
	if err != nil {
		return err
	}
	after, err := r.new.play(q, &q.new, r.now)
	if err != nil {
		return err
	}
	if before.same(after) {
		r.Same++
		return nil
	}
	r.Differ++
	return r.Differs(&Difference{
		File: file, At: q.m.At, Request: q.line(), CallID: q.callID, Source: q.source(),
		Old: before, New: after,
	})
}

// disorder is by how much the times of a recording may go back: packets of
// several queues are written a little out of order.
const disorder = time.Second

// lull is how long a world lives without a request. All timers of transactions have
// ended by then, and timer routes would beat all the time.
const lull = time.Hour

// tick moves the time on to when a message was recorded. Worlds have no way back:
// where the time goes back others are made.
func (r *replay) tick(at time.Time) {
	switch {
	case at.IsZero():
	case at.Before(r.now.Add(-disorder)), at.After(r.now.Add(lull)):
		r.now, r.old.world, r.new.world = at, nil, nil
	case at.After(r.now):
		r.now = at
	}
}
