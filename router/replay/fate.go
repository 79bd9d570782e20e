package replay

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/scene"
	"sipedge/sip"
)

// Fate is what a policy did to a request at once.
type Fate struct {
	Refused  string   // why it never came to the policy; "" it did
	Path     []string // the rules that matched, in order
	Replies  []scene.Response
	Sent     []scene.Sent
	Panicked bool // a bug in sipedge

	settled []string // the messages of Replies, then of Sent, as they are compared
}

func (q *request) fate(s *scene.Scene) *Fate {
	f := &Fate{Replies: s.Replies, Sent: s.Sent, Panicked: s.Panics > 0}
	for _, p := range s.Path() {
		f.Path = append(f.Path, p.String())
	}
	for i := range s.Replies {
		f.settled = append(f.settled, s.Replies[i].Message)
	}
	for i := range s.Sent {
		f.settled = append(f.settled, q.settled(s.Sent[i].Message))
	}
	return f
}

func (f *Fate) same(g *Fate) bool {
	return f.Refused == g.Refused && f.Panicked == g.Panicked &&
		len(f.Replies) == len(g.Replies) && slices.Equal(f.settled, g.settled) &&
		slices.EqualFunc(f.Sent, g.Sent, func(a, b scene.Sent) bool { return a.Target() == b.Target() })
}

// settled is a request that leaves, less what counts transactions and connections,
// and what is drawn by chance: branch and flow in our Via; in a request of the
// router's own Call-ID and From tag.
func (q *request) settled(message string) string {
	start, rest, _ := strings.Cut(message, "\r\n")
	via, rest, _ := strings.Cut(rest, "\r\n")
	if strings.HasPrefix(via, "Via:") {
		via = counted.ReplaceAllString(via, "")
	}
	var m sip.Message
	if m.Parse([]byte(message)) == nil && string(m.CallID()) != q.callID {
		rest = strings.Replace(rest, string(m.CallID()), "", 1)
		rest = strings.Replace(rest, string(m.FromTag()), "", 1)
	}
	return start + "\r\n" + via + "\r\n" + rest
}

var counted = regexp.MustCompile(`;(branch|flow)=[^;]*`)

// String says what became of the request: "404 Not Found", "→ gw1.example.net",
// "silence".
func (f *Fate) String() string {
	var targets []string
	for i := range f.Sent {
		targets = append(targets, f.Sent[i].Target())
	}
	return f.told(strings.Join(targets, ", "))
}

// Decision is what fates of one kind have in common: the rules, and what they did.
func (f *Fate) Decision() string {
	return strings.Join(f.Path, "\x00") + "\x00\x00" + f.told(strconv.Itoa(len(f.Sent)))
}

func (f *Fate) told(targets string) string {
	switch {
	case f.Refused != "":
		return "not received: " + f.Refused
	case f.Panicked:
		return "a panic: a bug in sipedge"
	}
	var list []string
	for i := range f.Replies {
		r := &f.Replies[i]
		if r.Status() == 100 && len(f.Replies)+len(f.Sent) > 1 {
			continue // the engine's, before all else
		}
		line, _, _ := strings.Cut(strings.TrimPrefix(r.Message, "SIP/2.0 "), "\r\n")
		list = append(list, line)
	}
	if len(f.Sent) > 0 {
		list = append(list, "→ "+targets)
	}
	if list == nil {
		return "silence"
	}
	return strings.Join(list, ", ")
}
