package trace

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"sipedge/router/job"
)

// Credentials are hidden twice. The fields that carry them are hidden by their name, wherever a
// line of a message, an edit or a matcher names one. What stood in them, and of a Digest the
// response by itself, is hidden wherever else it turns up: in a variable, in another field.

// carriers are the header fields with credentials, or with a proof by the password, in lower case.
var carriers = []string{
	"authorization", "proxy-authorization", "authentication-info", "proxy-authentication-info",
}

const hidden = "(hidden)"

// shortest is how long a text is at least that is searched for, in bytes: a shorter one would be
// found everywhere.
const shortest = 4

func carries(name string) bool {
	return slices.Contains(carriers, strings.ToLower(strings.TrimSpace(name)))
}

// masked is the value of such a field as it may be shown: its scheme.
func masked(value string) string {
	scheme, _, ok := strings.Cut(strings.TrimSpace(value), " ")
	if ok && !strings.ContainsAny(scheme, "=,\"") {
		return scheme + " " + hidden
	}
	return hidden
}

// lines calls f for each line of a message; for a field that carries credentials with its name,
// its value, unfolded, and all its lines.
func lines(message string, f func(line, name, value string)) {
	for message != "" {
		end := lineEnd(message)
		name, _, ok := strings.Cut(message[:end], ":")
		if !ok || !carries(name) {
			f(message[:end], "", "")
			message = message[end:]
			continue
		}
		for end < len(message) && (message[end] == ' ' || message[end] == '\t') {
			end += lineEnd(message[end:])
		}
		var parts []string
		for part := range strings.Lines(message[len(name)+1 : end]) {
			parts = append(parts, strings.TrimSpace(part))
		}
		f(message[:end], name, strings.TrimSpace(strings.Join(parts, " ")))
		message = message[end:]
	}
}

// lineEnd is where the next line begins.
func lineEnd(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// proofs are the parameters of a Digest that prove knowledge of the password.
var proofs = regexp.MustCompile(`(?i)\b(?:response|rspauth)\s*=\s*"?([^",\s]+)`)

// credentials are the texts that must not be shown of the fields of a message.
func credentials(message string) (list []string) {
	lines(message, func(_, name, value string) {
		if name == "" {
			return
		}
		list = append(list, value)
		found := proofs.FindAllStringSubmatch(value, -1)
		for _, m := range found {
			list = append(list, m[1])
		}
		if _, rest, ok := strings.Cut(value, " "); ok && found == nil {
			list = append(list, strings.TrimSpace(rest))
		}
	})
	return list
}

// hider shows what may be shown.
type hider struct{ texts *strings.Replacer }

// newHider knows the credentials of the messages.
func newHider(messages ...string) hider {
	var list []string
	for _, m := range messages {
		list = append(list, credentials(m)...)
	}
	// The longest first: a Replacer takes what comes first in the list.
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, text := range slices.Compact(list) {
		if len(text) >= shortest {
			pairs = append(pairs, text, hidden)
		}
	}
	return hider{strings.NewReplacer(pairs...)}
}

func (h hider) text(s string) string { return h.texts.Replace(s) }

func (h hider) message(s string) string {
	var b strings.Builder
	lines(s, func(line, name, value string) {
		if name == "" {
			b.WriteString(h.text(line))
			return
		}
		b.WriteString(name + ": " + masked(value))
		b.WriteString(line[len(strings.TrimRight(line, "\r\n")):])
	})
	return b.String()
}

// events are copies that may be shown.
func (h hider) events(list []job.Event) []job.Event {
	out := make([]job.Event, len(list))
	for i, e := range list {
		out[i] = job.Event{
			At: e.At, Run: h.run(e.Run), Sent: h.wire(e.Sent), Got: h.wire(e.Got), Why: h.text(e.Why),
		}
	}
	return out
}

func (h hider) wire(w *job.Wire) *job.Wire {
	if w == nil {
		return nil
	}
	c := *w
	c.Message = h.message(w.Message)
	return &c
}

func (h hider) run(r *job.Run) *job.Run {
	if r == nil {
		return nil
	}
	c := &job.Run{Type: r.Type, Route: r.Route, Verdict: r.Verdict}
	for _, try := range r.Rules {
		if m := try.Failed; m != nil {
			try.Failed = &job.Miss{Field: m.Field, Value: h.text(m.Value)}
			if strings.HasPrefix(m.Value, `"`) { // else it says that there is none
				try.Failed.Value = h.value(m.Field, m.Value)
			}
		}
		steps := try.Steps
		try.Steps = nil
		for _, s := range steps {
			try.Steps = append(try.Steps, h.step(s))
		}
		c.Rules = append(c.Rules, try)
	}
	return c
}

func (h hider) step(s *job.StepDone) *job.StepDone {
	c := *s
	c.Error, c.Edits, c.Runs = h.text(s.Error), nil, nil
	for _, e := range s.Edits {
		c.Edits = append(c.Edits, job.Edit{
			Field: e.Field, Before: h.value(e.Field, e.Before), After: h.value(e.Field, e.After),
		})
	}
	for _, r := range s.Runs {
		c.Runs = append(c.Runs, h.run(r))
	}
	return &c
}

// value is the value of a field of templates, such as headers.Authorization.
func (h hider) value(field, value string) string {
	name, ok := strings.CutPrefix(field, "headers.")
	name, _, _ = strings.Cut(name, "[")
	if ok && value != "" && carries(name) {
		return masked(value)
	}
	if field == "body" {
		return h.message(value)
	}
	return h.text(value)
}
