package policytest

import (
	"slices"
	"strings"

	"sipedge/router/scene"
	"sipedge/schema"
)

// What is expected of requests that were sent.

func (e *expectation) relayed(v *schema.Value) {
	sent := e.scene.Sent
	var want []string
	v.Each(func(v *schema.Value) { want = append(want, v.S) })
	if v.Kind == schema.String {
		if v.S == "none" {
			want = nil
		} else if len(sent) > 0 {
			sent = sent[len(sent)-1:]
		}
	}
	if !slices.EqualFunc(sent, want, func(m scene.Sent, w string) bool { return m.GoesTo(w) }) {
		var got []string
		for i := range e.scene.Sent {
			got = append(got, e.scene.Sent[i].Target())
		}
		e.fail(v, "relayed_to", orNone(want), orNone(got))
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (e *expectation) lastSent(v *schema.Value, what string) *scene.Sent {
	if n := len(e.scene.Sent); n > 0 {
		return &e.scene.Sent[n-1]
	}
	e.fail(v, what, "a request that leaves", "none")
	return nil
}

func (e *expectation) last(v *schema.Value, what string, get func(*scene.Sent) string) {
	if m := e.lastSent(v, what); m != nil {
		e.text(v, what, get(m))
	}
}

// sent wants one request that is as v says.
func (e *expectation) sent(v *schema.Value) {
	var got []string
	for i := range e.scene.Sent {
		m := &e.scene.Sent[i]
		if isSent(m, v) {
			return
		}
		got = append(got, m.Method()+" "+m.URI()+" to "+m.Target())
	}
	e.fail(v, "sent", wanted(v), orNone(got))
}

// isSent holds a request against a checked #ExpectSent.
func isSent(s *scene.Sent, want *schema.Value) bool {
	e := expectation{}
	for i := range want.Keys {
		k := &want.Keys[i]
		v := &k.Value
		switch k.Name {
		case "method":
			e.text(v, k.Name, s.Method())
		case "to":
			if !s.GoesTo(v.S) {
				return false
			}
		case "uri":
			e.text(v, k.Name, s.URI())
		case "headers":
			e.headers(v, k.Name, s.Message)
		case "body":
			e.text(v, k.Name, s.Body())
		}
	}
	return e.failed == nil
}
