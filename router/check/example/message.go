package example

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/schema"
	"sipedge/sip/transport"
)

// Message is an example: a message and the way it comes.
type Message struct {
	Flow transport.Flow
	Text []byte // as on the wire
	// What no message shows: opaque outcomes the example rests on; "" none.
	Assumes string
	// Verified is the direction of the dialog whose tag the Route is to have, which only the
	// router can make: the example has 16 zeros there; "" none.
	Verified string
	// Answers are the replies that come back to it, each of another round: the status, or a
	// cause instead.
	Answers []Answer

	place  schema.Place
	values *Model
}

// Answer is what comes back to an example that is sent on.
type Answer struct {
	Status int
	Cause  string   // timeout or transport, instead of a reply
	Fields []string // of the header: "X-Reason: busy"
	Body   string
	Tag    bool // To has a tag
	Flow   transport.Flow
}

// String is what a person reads: INVITE sip:bob@example.net from 203.0.113.9/udp.
func (m *Message) String() string {
	v := m.values
	s := v.method + " " + v.uris[formula.OfRURI].String()
	if m.place == schema.InReply && v.reply == nil {
		s = fmt.Sprintf("%d to %s", v.Result(0).status, v.method)
	}
	s += fmt.Sprintf(" from %s/%s", m.Flow.Remote.Addr(), m.Flow.Transport)
	for _, more := range v.noteworthy(m.place) {
		s += ", " + more
	}
	return s
}

// Message is the model as an example, in the route type it was tried for; rounds is how many
// failure routes it goes through.
func (m *Model) Message(place schema.Place, text []byte, rounds int) *Message {
	ex := &Message{Flow: m.flow(), Text: text, place: place, values: m}
	if m.Verified() {
		ex.Verified = m.Direction
	}
	for i := range rounds {
		ex.Answers = append(ex.Answers, Answer{Status: m.Result(i).status, Cause: m.Result(i).cause})
	}
	if m.reply != nil {
		ex.Answers = append(ex.Answers, m.reply.answer())
	}
	var assumed []string
	for s, is := range m.True {
		if is {
			assumed = append(assumed, m.why[s])
		}
	}
	slices.Sort(assumed)
	ex.Assumes = strings.Join(slices.Compact(assumed), ", ")
	return ex
}

// answer is a reply as its own message.
func (m *Model) answer() Answer {
	a := Answer{Status: m.Result(0).status, Body: m.body.text, Tag: m.inDialog, Flow: m.flow()}
	if m.hops != "" {
		a.Fields = append(a.Fields, "Max-Forwards: "+m.hops)
	}
	for _, f := range m.fields {
		a.Fields = append(a.Fields, f.name+": "+f.value)
	}
	if m.body.kind != "" {
		a.Fields = append(a.Fields, "Content-Type: "+m.body.kind)
	}
	return a
}

// noteworthy is what the short form does not show, of what was asked for.
func (m *Model) noteworthy(place schema.Place) (list []string) {
	add := func(kind formula.Kind, format string, args ...any) {
		if m.asked[kind] {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	if m.inDialog {
		list = append(list, "in a dialog")
	}
	switch m.Route {
	case formula.VerifiedRoute:
		list = append(list, "with a Route of ours")
	case formula.ForgedRoute:
		list = append(list, "with a Route to us that bears no tag")
	case formula.StrictRoute, formula.ForgedStrict:
		list = append(list, "with Route: <"+m.uris[formula.OfTarget].String()+">")
	}
	for r := formula.OfFrom; r <= formula.OfTo; r++ {
		whole := [...]string{formula.OfFrom: m.from, formula.OfTo: m.to}[r]
		if m.uris[r].asked || whole != "" {
			list = append(list, [...]string{"", "From ", "To "}[r]+cmp.Or(whole, m.uris[r].String()))
		}
	}
	for _, f := range m.fields {
		if f.name != "Route" || m.Route == formula.NoRoute {
			list = append(list, f.name+": "+f.value)
		}
	}
	if m.body.kind != "" {
		list = append(list, "Content-Type: "+m.body.kind)
	}
	add(formula.SourcePort, "port %d", m.sourcePort)
	add(formula.MaxForwards, "Max-Forwards %s", m.hops)
	add(formula.Size, "%d bytes", m.size)
	if place == schema.InError {
		list = append(list, "malformed: "+m.wrong.class)
	}
	if place == schema.InFailure {
		last := m.Result(max(0, len(m.results)-1))
		list = append(list, strings.TrimSpace(fmt.Sprintf("failed with %d %s", last.status, last.cause)))
	}
	if m.reply != nil {
		list = append(list, fmt.Sprintf("answered with %d", m.reply.Result(0).status))
		list = append(list, m.reply.noteworthy(schema.InReply)...)
	}
	return list
}
