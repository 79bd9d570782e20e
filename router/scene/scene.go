package scene

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sipedge/router/job"
	"sipedge/router/trace"
	"sipedge/sip"
	"sipedge/sip/transport"
)

// A Scene is one request, or a run without one, and what came of it.
type Scene struct {
	Request string // "": none
	Trace   job.Trace
	Replies []Response // what the caller got, each once
	Sent    []Sent     // what branches got, each once
	Log     []string
	Panics  uint64

	w       *World
	began   time.Time
	script  []Branch // not yet used
	beyond  Branch   // of branches without a script
	pending map[string]*request
	replied map[string]bool
}

// New makes a scene in which branches do what the script says: those with To the
// target that has it, the others in the order in which branches are sent. A branch
// without gets 200.
func New(script []Branch) *Scene {
	return &Scene{script: slices.Clone(script), beyond: Branch{Replies: []Reply{{Code: 200}}}}
}

// LastReply is the last final response, else the last.
func (s *Scene) LastReply() *Response {
	for i := len(s.Replies) - 1; i >= 0; i-- {
		if s.Replies[i].Status() >= 200 {
			return &s.Replies[i]
		}
	}
	if n := len(s.Replies); n > 0 {
		return &s.Replies[n-1]
	}
	return nil
}

// Errors are those of steps.
func (s *Scene) Errors() (list []string) {
	s.Trace.Steps(func(done *job.StepDone) {
		if done.Error != "" {
			list = append(list, done.Error)
		}
	})
	return list
}

// Response is one the caller got.
type Response struct {
	After   time.Duration
	Message string
}

// Status is its status.
func (r *Response) Status() int {
	n, _ := strconv.Atoi(word(r.Message, 1))
	return n
}

// Sent is a request that left.
type Sent struct {
	After     time.Duration
	Transport sip.Transport
	Remote    netip.AddrPort
	Host      string // the name that led there; "" an address
	Message   string
}

// Target is where it went as a policy would write it, defaults left out:
// "gw1.example.net", "192.0.2.1:5070/tcp".
func (s *Sent) Target() string { return trace.Target(s.Transport, s.Remote, s.Host) }

// Method is its method.
func (s *Sent) Method() string { return word(s.Message, 0) }

// URI is its Request-URI.
func (s *Sent) URI() string { return word(s.Message, 1) }

// Body is its body, with the line ends of text files.
func (s *Sent) Body() string {
	_, body, _ := strings.Cut(s.Message, "\r\n\r\n")
	return strings.ReplaceAll(body, "\r\n", "\n")
}

func word(message string, n int) string {
	line, _, _ := strings.Cut(message, "\r\n")
	if words := strings.Split(line, " "); n < len(words) {
		return words[n]
	}
	return ""
}

// Branch is what a branch answers.
type Branch struct {
	To      string // the target it is about; "" the next in order
	Replies []Reply
	Delay   time.Duration // before each
}

// Reply is one answer of a branch.
type Reply struct {
	Code   int
	Reason string
	Fields []Field
	After  time.Duration
}

// request is a client transaction of the router as its branch sees it.
type request struct {
	to       transport.Target
	m        sip.Message
	index    int // among all, from 1
	answered bool
}

// leaves takes what the router sends; it does not keep b.
func (s *Scene) leaves(t transport.Target, b []byte) {
	after := s.w.net.Now().Sub(s.began)
	if bytes.HasPrefix(b, []byte("SIP/2.0 ")) {
		text := string(b)
		if !s.replied[text] {
			if s.replied == nil {
				s.replied = map[string]bool{}
			}
			s.replied[text] = true
			s.Replies = append(s.Replies, Response{after, text})
		}
		return
	}
	r := &request{to: t}
	b = bytes.Clone(b)
	if err := r.m.Parse(b); err != nil {
		s.Sent = append(s.Sent, Sent{after, t.Transport, t.Remote, "", string(b)})
		return
	}
	via, ok := r.m.TopVia()
	if !ok {
		return
	}
	key := string(via.Branch)
	old := s.pending[key]
	switch {
	case old == nil:
	case r.m.Method() == sip.CANCEL:
		s.answer(r, &Reply{Code: 200}, 0)
		s.answer(old, &Reply{Code: 487}, 0)
		return
	default:
		return // a retransmission, or the ACK of a non-2xx
	}
	if s.pending == nil {
		s.pending = map[string]*request{}
	}
	s.pending[key] = r
	s.Sent = append(s.Sent, Sent{after, t.Transport, t.Remote,
		s.w.hosts.names[t.Remote.Addr()], string(b)})
	r.index = len(s.Sent)
	if r.m.Method() != sip.ACK {
		s.act(r, s.cue(&s.Sent[len(s.Sent)-1]))
	}
}

// cue finds what a branch is to answer.
func (s *Scene) cue(to *Sent) Branch {
	for _, named := range []bool{true, false} {
		for i, b := range s.script {
			if (b.To != "") == named && (!named || to.GoesTo(b.To)) {
				if !named {
					s.script = append(s.script[:i:i], s.script[i+1:]...)
				}
				return b
			}
		}
	}
	return s.beyond
}

func (s *Scene) act(r *request, b Branch) {
	var at time.Duration
	for i := range b.Replies {
		at += b.Delay + b.Replies[i].After
		s.answer(r, &b.Replies[i], at)
	}
}

// answer sends a response of a branch when it is time.
func (s *Scene) answer(r *request, reply *Reply, after time.Duration) {
	w := s.w
	w.after(after, func() {
		if r.answered || w.scene != s {
			return
		}
		r.answered = reply.Code >= 200
		local := w.node.Listeners()[r.to.Listener].Addr
		extra := ""
		if r.m.Method() == sip.INVITE && reply.Code > 100 && reply.Code < 300 &&
			!hasField(reply.Fields, "Contact") {
			extra = fmt.Sprintf("Contact: <sip:branch@%s>\r\n", r.to.Remote)
		}
		for _, f := range reply.Fields {
			if !f.Absent {
				extra += f.Name + ": " + f.Value + "\r\n"
			}
		}
		tag := []byte(nil)
		if reply.Code > 100 {
			tag = fmt.Appendf(nil, "branch-%d", r.index)
		}
		b := sip.AppendReply(nil, &r.m, reply.Code, reply.Reason, tag, []byte(extra))
		f := transport.Flow{
			Transport: r.to.Transport, Listener: r.to.Listener, Conn: r.to.Conn,
			Local: local, Remote: r.to.Remote,
		}
		w.router.Receive(f, b)
	})
}

// end completes the scene: the trace gets the names that led to made-up addresses.
func (s *Scene) end() {
	s.Panics = s.w.router.Panics()
	for i := range s.Trace.Events {
		e := &s.Trace.Events[i]
		for _, m := range []*job.Wire{e.Sent, e.Got} {
			if m != nil {
				m.Name = s.w.hosts.names[m.Remote.Addr()]
			}
		}
	}
}

// GoesTo reports whether a request went to the target an author names: a URI, or
// a host with or without port and transport.
func (s *Sent) GoesTo(target string) bool {
	text, kind, hasKind := strings.Cut(strings.TrimPrefix(target, "sip:"), "/")
	if hasKind {
		text += ";transport=" + kind
	}
	if strings.Count(text, ":") > 1 && !strings.Contains(text, "[") {
		text = "[" + text + "]"
	}
	u, err := sip.ParseURI([]byte("sip:" + text))
	if err != nil {
		return false
	}
	host := strings.ToLower(string(u.Host))
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		if a != s.Remote.Addr() {
			return false
		}
	} else if host != s.Host {
		return false
	}
	if t := u.Transport(); t != sip.NoTransport && t != s.Transport {
		return false
	}
	port := u.Port
	if port == 0 {
		port = s.Transport.DefaultPort()
	}
	return port == s.Remote.Port()
}
