package policytest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/job"
	"sipedge/router/scene"
	"sipedge/router/trace"
	"sipedge/schema"
	"sipedge/sip"
)

// checkExpect checks what a form can't: that the rules of a path exist.
func (f *File) checkExpect(v *schema.Value) (diags schema.Diagnostics) {
	v.Get("path").Each(func(v *schema.Value) {
		if _, known := slices.BinarySearch(f.rules, v.S); !known {
			diags = append(diags, v.Problem(schema.UnknownRule, "the policy has no rule %q%s",
				v.S, schema.Meant(v.S, f.rules)))
		}
	})
	return diags
}

// Failure is an expectation that does not hold.
type Failure struct {
	What string     `json:"what"` // "reply.code"
	Want string     `json:"want"`
	Got  string     `json:"got"`
	Pos  schema.Pos `json:"-"`
}

// expectation compares one case.
type expectation struct {
	scene  *scene.Scene
	failed []Failure
}

func (e *expectation) fail(v *schema.Value, what, want, got string) {
	e.failed = append(e.failed, Failure{what, want, got, v.Pos})
}

// compare holds a scene against what is expected of it.
func compare(s *scene.Scene, want *schema.Value) []Failure {
	e := expectation{scene: s}
	for i := range want.Keys {
		k := &want.Keys[i]
		v := &k.Value
		switch k.Name {
		case "path":
			e.path(v)
		case "reply":
			e.reply(v)
		case "relayed_to":
			e.relayed(v)
		case "uri":
			e.last(v, "uri", (*scene.Sent).URI)
		case "headers":
			if m := e.lastSent(v, "headers"); m != nil {
				e.headers(v, "headers", m.Message)
			}
		case "body":
			e.last(v, "body", (*scene.Sent).Body)
		case "vars":
			e.vars(v)
		case "sent":
			v.Each(e.sent)
		case "log":
			e.among(v, "log", e.scene.Log)
		case "error":
			e.among(v, "error", e.scene.Errors())
		}
	}
	return e.failed
}

func (e *expectation) path(v *schema.Value) {
	got := e.scene.Path()
	same := func(p trace.PathItem, w schema.Value) bool { return p.Is(w.S) }
	if !slices.EqualFunc(got, v.Items, same) {
		var names []string
		v.Each(func(v *schema.Value) { names = append(names, v.S) })
		e.fail(v, "path", orNone(names), pathText(got))
	}
}

func pathText(path []trace.PathItem) string {
	var names []string
	for _, p := range path {
		names = append(names, p.String())
	}
	return orNone(names)
}

func (e *expectation) reply(v *schema.Value) {
	last := e.scene.LastReply()
	got := "none"
	if last != nil {
		got = strconv.Itoa(last.Status())
	}
	switch {
	case v.Kind == schema.Int || v.Kind == schema.String:
		if want := scalar(v); want != got {
			e.fail(v, "reply", want, got)
		}
	case last == nil:
		e.fail(v, "reply", "a response", "none")
	default:
		if c := v.Get("code"); c.Kind != schema.None && scalar(c) != got &&
			scalar(c) != got[:1]+"xx" {
			e.fail(c, "reply.code", scalar(c), got)
		}
		if r := v.Get("reason"); r.Kind != schema.None {
			line, _, _ := strings.Cut(last.Message, "\r\n")
			_, reason, _ := strings.Cut(strings.TrimPrefix(line, "SIP/2.0 "), " ")
			e.text(r, "reply.reason", reason)
		}
		e.headers(v.Get("headers"), "reply.headers", last.Message)
	}
}

func (e *expectation) headers(v *schema.Value, what, message string) {
	for i := range v.Keys {
		k := &v.Keys[i]
		values := headerValues(message, k.Name)
		got := strings.Join(values, ", ")
		switch {
		case k.Kind == schema.Bool && k.B == (len(values) > 0):
		case k.Kind == schema.Bool && k.B:
			e.fail(&k.Value, what+"."+k.Name, "present", "absent")
		case k.Kind == schema.Bool:
			e.fail(&k.Value, what+"."+k.Name, "absent", got)
		case values == nil:
			e.fail(&k.Value, what+"."+k.Name, wanted(&k.Value), "absent")
		case !slices.ContainsFunc(append(values, got), func(s string) bool {
			return matches(&k.Value, s)
		}):
			e.fail(&k.Value, what+"."+k.Name, wanted(&k.Value), got)
		}
	}
}

// headerValues are the values of the header fields of one name, long or compact.
func headerValues(message, name string) (values []string) {
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	head = regexp.MustCompile(`\r\n[ \t]+`).ReplaceAllString(head, " ")
	id := sip.LookupHeader([]byte(name))
	for _, line := range strings.Split(head, "\r\n")[1:] {
		n, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(n, name) || id != sip.HeaderOther && sip.LookupHeader([]byte(n)) == id {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

func (e *expectation) text(v *schema.Value, what, got string) {
	if !matches(v, got) {
		e.fail(v, what, wanted(v), got)
	}
}

func (e *expectation) vars(v *schema.Value) {
	last := map[string]string{}
	e.scene.Trace.Steps(func(s *job.StepDone) {
		for _, edit := range s.Edits {
			last[edit.Field] = edit.After
		}
	})
	for i := range v.Keys {
		k := &v.Keys[i]
		got := last[k.Name]
		if k.Kind == schema.Bool || k.Kind == schema.Int {
			if scalar(&k.Value) != got {
				e.fail(&k.Value, k.Name, scalar(&k.Value), orUnset(got))
			}
			continue
		}
		if newest, _, _ := strings.Cut(got, ", "); !matches(&k.Value, newest) {
			e.text(&k.Value, k.Name, got)
		}
	}
}

func orUnset(s string) string {
	if s == "" {
		return "unset"
	}
	return s
}

// among wants each text of v in a list.
func (e *expectation) among(v *schema.Value, what string, list []string) {
	v.Each(func(v *schema.Value) {
		if !slices.ContainsFunc(list, func(s string) bool { return matches(v, s) }) {
			e.fail(v, what, wanted(v), orNone(list))
		}
	})
}

// matches holds a text against a checked #Want.
func matches(v *schema.Value, s string) bool {
	if v.Kind == schema.List {
		return slices.ContainsFunc(v.Items, func(v schema.Value) bool { return matches(&v, s) })
	}
	if v.Kind != schema.Map {
		return scalar(v) == s
	}
	fold := v.Get("ignore_case").B
	some := func(key string, in func(s, part string) bool) bool {
		parts := v.Get(key).Texts()
		return len(parts) == 0 || slices.ContainsFunc(parts, func(p schema.Text) bool {
			if fold {
				return in(strings.ToLower(s), strings.ToLower(p.S))
			}
			return in(s, p.S)
		})
	}
	if r := v.Get("regex"); r.Kind == schema.String {
		expr := r.S
		if fold {
			expr = "(?i:" + expr + ")"
		}
		if re, err := regexp.Compile(expr); err != nil || !re.MatchString(s) {
			return false
		}
	}
	if empty := v.Get("empty"); empty.Kind == schema.Bool && empty.B != (s == "") {
		return false
	}
	return some("exact", func(s, p string) bool { return s == p }) &&
		some("prefix", strings.HasPrefix) && some("suffix", strings.HasSuffix) &&
		some("contains", strings.Contains)
}

// wanted is a checked #Want as a message says it.
func wanted(v *schema.Value) string {
	switch v.Kind {
	case schema.List:
		var all []string
		v.Each(func(v *schema.Value) { all = append(all, wanted(v)) })
		return strings.Join(all, " or ")
	case schema.Map:
		var all []string
		for i := range v.Keys {
			all = append(all, v.Keys[i].Name+" "+wanted(&v.Keys[i].Value))
		}
		return strings.Join(all, ", ")
	}
	return scalar(v)
}

func scalar(v *schema.Value) string {
	switch v.Kind {
	case schema.Int:
		return strconv.FormatInt(v.N, 10)
	case schema.Bool:
		return fmt.Sprint(v.B)
	}
	return v.S
}
