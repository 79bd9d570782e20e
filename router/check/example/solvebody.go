package example

import (
	"fmt"
	"slices"
	"strings"

	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
)

// body is a body as it is written, and the whole of Content-Type.
type body struct{ kind, text string }

// shorter is the text without lines of a session description that no literal asks for.
func (b *body) shorter() string {
	text := b.text
	for _, line := range []string{
		"o=- 1 1 IN IP4 203.0.113.1\r\n", "c=IN IP4 203.0.113.1\r\n",
		"o=- 1 1 IN IP4 10.0.0.1\r\n", "s=-\r\n", "t=0 0\r\n",
	} {
		text = strings.Replace(text, line, "", 1)
	}
	return text
}

const sdpType = "application/sdp"

// Where texts stand in bodies.
var (
	types = pattern.NewDomain(
		`^$|^[!-:<-@\[-~]([ !-:<-@\[-~]*[!-:<-@\[-~])?$`, "", "text/plain")
	multipart = pattern.NewDomain(`^multipart/[!-:<-@\[-~]*$`, "multipart/mixed")
	codecs    = pattern.NewDomain(`^[!-.0-~]+$`, "PCMA", "opus", "telephone-event", "PCMU", "G729")
)

// body makes a body of the type, and with the session description, that literals ask for.
func (s *solver) body() pattern.Answer {
	about := slices.Concat(s.of(formula.Session), s.of(formula.Private), s.of(formula.Media))
	if len(s.of(formula.BodyType))+len(s.field("Content-Type"))+len(about) == 0 {
		return found
	}
	has, a := truth(s.of(formula.Session), false)
	if a != found {
		return a
	}
	if len(s.of(formula.Session)) > 0 {
		return s.bodyOf(has, about)
	}
	a = s.bodyOf(false, about)
	if a != found {
		if b := s.bodyOf(true, about); b != nothing {
			return b
		}
	}
	return a
}

// bodyOf makes a body with a session description, or one without. Content-Type as a whole is
// made of its type.
func (s *solver) bodyOf(has bool, about []formula.Lit) pattern.Answer {
	kinds, whole := patterns(s.of(formula.BodyType)), s.field("Content-Type")
	s.m.body = body{}
	if !has {
		if slices.ContainsFunc(about, func(l formula.Lit) bool { return !l.Neg }) {
			return nothing // of what isn't there
		}
		no := pattern.Lit{Pattern: pattern.Exact(sdpType), Neg: true}
		return s.contentType(types, append(kinds, no), whole, nil)
	}
	description, a := s.session()
	if a != found {
		return a
	}
	if pattern.HoldAll(kinds, sdpType) {
		only := pattern.NewDomain(`^`+sdpType+`$`, sdpType)
		if a := s.contentType(only, kinds, whole, nil); a == found {
			s.m.body.text = description
			return found
		}
	}
	a = s.contentType(multipart, kinds, whole, []string{`;boundary=xyz`})
	if a == found && !strings.HasSuffix(s.m.body.kind, ";boundary=xyz") {
		return unsure // no room for its boundary
	}
	s.m.body.text = "--xyz\r\nContent-Type: " + sdpType + "\r\n\r\n" + description + "\r\n--xyz--\r\n"
	return a
}

// contentType picks a type for which kinds hold, and the field with it, which ends with one of
// the parameters, or none.
func (s *solver) contentType(
	d *pattern.Domain, kinds []pattern.Lit, whole []formula.Lit, params []string,
) pattern.Answer {
	kind, a := pattern.Pick(s.effort, d, kinds)
	if a != found {
		return a
	}
	present, absent := false, false
	var lits []pattern.Lit
	for _, l := range whole {
		switch {
		case l.One:
			return unsure
		case l.Presence:
			present, absent = present || !l.Neg, absent || l.Neg
		default:
			present = present || !l.Neg
			lits = append(lits, patterns([]formula.Lit{l})...)
		}
	}
	if absent && (present || kind != "") {
		_, a := pattern.Pick(s.effort, d, append(kinds, pattern.Lit{Pattern: pattern.Exact("")}))
		if present || a == nothing {
			return nothing
		}
		kind = ""
	}
	if !present && (kind == "" || pattern.HoldAll(lits, kind)) && params == nil {
		s.m.body.kind = kind
		return found
	}
	for _, end := range append(params, "", ";charset=utf-8") {
		if v := kind + end; v != "" && pattern.HoldAll(lits, v) {
			s.m.body.kind = v
			return found
		}
	}
	// The texts of the field first, and the type that they have.
	v, a := pattern.Pick(s.effort, texts, lits)
	kind, _, _ = strings.Cut(v, ";")
	kind = pattern.Lower(strings.TrimSpace(kind))
	if a == found && v != "" && d.Has(kind) && pattern.HoldAll(kinds, kind) {
		s.m.body.kind = v
		return found
	}
	return unsure
}

// session makes a session description: for every medium asked for one of its own.
func (s *solver) session() (string, pattern.Answer) {
	private, a := truth(s.of(formula.Private), false)
	if a != found {
		return "", a
	}
	address := "203.0.113.1"
	if private {
		address = "10.0.0.1"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n", address)
	var not []formula.Lit
	for _, l := range s.of(formula.Media) {
		if l.Neg {
			not = append(not, l)
		}
	}
	for _, l := range s.of(formula.Media) {
		if l.Neg {
			continue
		}
		kind, codec, a := s.medium(l, not)
		if a != found {
			return "", a
		}
		fmt.Fprintf(&b, "m=%s 5004 RTP/AVP 96\r\n", kind)
		if codec != "" {
			fmt.Fprintf(&b, "a=rtpmap:96 %s/8000\r\n", codec)
		}
	}
	return b.String(), found
}

// medium picks a kind and a codec, "" none, that one literal wants and the others do not.
func (s *solver) medium(want formula.Lit, not []formula.Lit) (
	kind, codec string, a pattern.Answer,
) {
	kinds := want.Names
	if kinds == nil {
		kinds = []string{"audio", "video", "image", "message", "application", "text", "x-other"}
	}
	out := nothing
	for _, kind := range kinds {
		var never []pattern.Lit
		barred := false
		for _, l := range not {
			if l.Names != nil && !slices.Contains(l.Names, kind) {
				continue
			}
			barred = barred || l.Codec == nil
			for _, p := range l.Codec {
				never = append(never, pattern.Lit{Pattern: p, Neg: true})
			}
		}
		switch {
		case barred:
			continue
		case want.Codec == nil:
			return kind, "", found
		}
		for _, p := range want.Codec {
			codec, a := pattern.Pick(s.effort, codecs, append(never, pattern.Lit{Pattern: p}))
			if a == found {
				return kind, codec, found
			}
			out = max(out, a)
		}
	}
	return "", "", out
}
