package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sipedge/schema"
)

// places is the law of what may stand where, with a step to try: R request, B branch,
// F failure, O reply, E error, L local, S startup, T timer; sub-routes by their
// callers. return stands in sub-routes alone.
var places = map[string]struct{ where, step string }{
	"add_header":          {"RBFOL", "{X: y}"},
	"add_path":            {"R", "{}"},
	"append_branch":       {"RF", `{uri: "sip:x@10.0.0.3"}`},
	"assert_identity":     {"RBF", "{}"},
	"authenticate":        {"R", "{users: people}"},
	"ban":                 {"RF", `{table: held, key: k}`},
	"consume_credentials": {"RBF", "{}"},
	"drop":                {"RBOE", "{}"},
	"exit":                {"RBFOELST", "{}"},
	"fix_nat":             {"RO", "{}"},
	"force_rport":         {"R", "{}"},
	"force_send_socket":   {"RBFL", `"udp:10.0.0.9:5060"`},
	"forward":             {"R", "{}"},
	"log":                 {"RBFOELST", "{message: m}"},
	"lookup":              {"RF", "{location: contacts}"},
	"alias_lookup":        {"RF", "{backend: store}"},
	"enum":                {"RF", "{}"},
	"speed_dial":          {"RF", "{backend: store}"},
	"loose_route":         {"R", "{}"},
	"max_forwards":        {"R", "{limit: 10}"},
	"next_branches":       {"RF", "{}"},
	"dispatch":            {"RF", "{set: pstn}"},
	"lcr":                 {"RF", "{table: rates}"},
	"next_destination":    {"F", "{}"},
	"recurse":             {"F", "{}"},
	"pop":                 {"RBFOELST", "var.x"},
	"prefix":              {"RBF", `"0"`},
	"push":                {"RBFOELST", "{var.x: y}"},
	"put":                 {"RFOELST", "{table: held, key: k}"},
	"query":               {"RF", "{table: held, key: k}"},
	"rate_limit":          {"R", "{key: k, rate: 10/s}"},
	"record_route":        {"RBF", "{}"},
	"redirect":            {"RF", `{to: "sip:x@10.0.0.3"}`},
	"relay":               {"RF", "{}"},
	"remove_header":       {"RBFOL", "X"},
	"reply":               {"RFE", "{code: 404}"},
	"reply_error":         {"RF", "{}"},
	"return":              {"RBFOELST", "{}"},
	"revert_uri":          {"RBF", "{}"},
	"rewrite_uri":         {"RBF", `"sip:x@10.0.0.3"`},
	"route":               {"RBFOELST", "common"},
	"rtpengine":           {"RFO", "{backend: media}"},
	"save":                {"RO", "{location: contacts, reply: false}"},
	"send_request":        {"FST", `{method: OPTIONS, to: "sip:x@10.0.0.3"}`},
	"serialize_branches":  {"RF", "{}"},
	"set":                 {"RBFOELST", "{var.x: y}"},
	"set_header":          {"RBFOL", "{X: y}"},
	"set_host":            {"RBF", "example.org"},
	"set_port":            {"RBF", "5070"},
	"set_user":            {"RBF", "x"},
	"strip":               {"RBF", "1"},
	"strip_tail":          {"RBF", "1"},
	"unregister":          {"RO", "{location: contacts}"},
	"unset":               {"RBFOELST", "var.x"},

	"check_source_address": {"RF", "{table: peers}"},
}

// placeType is a route type: its letter, how messages name it, the name of the route
// that tries a step, and its key of `routes`, which has the steps in place of STEP.
type placeType struct{ letter, name, route, key string }

var placeTypes = []placeType{
	{"R", "request", "", "request: [{match: {method: INVITE}, do: [STEP]}, {do: [{relay: {}}]}]"},
	{"B", "branch", " x", "branch: {x: [{do: [STEP]}]}"},
	{"F", "failure", " x", "failure: {x: [{do: [STEP]}]}"},
	{"O", "reply", " x", "reply: {x: [{match: {status: 1xx}, do: [STEP]}]}"},
	{"E", "error", "", "error: [{do: [STEP]}]"},
	{"L", "local", "", "local: [{do: [STEP]}]"},
	{"S", "startup", "", "startup: [STEP]"},
	{"T", "timer", " x", "timer: {x: {every: 60s, do: [STEP]}}"},
}

// title is "a branch route".
func (p placeType) title() string {
	if p.letter == "E" {
		return "an error route"
	}
	return "a " + p.name + " route"
}

// allowed is the law as diagnostics have it: "request, failure".
func allowed(where string) string {
	var names []string
	for _, p := range placeTypes {
		if strings.Contains(where, p.letter) {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}

// tried is the step that tries an action.
func tried(name string) string { return "{ " + name + ": " + places[name].step + " }" }

// lawPolicy is a policy with a step in routes of the types that letters name; by: in
// a sub-route instead, which a sub-route calls that those routes call.
func lawPolicy(step, letters string, by bool) string {
	own, sub := step, ""
	if by {
		own, sub = "{route: outer}", ", outer: [{do: [{route: inner}]}], inner: [{do: ["+step+"]}]"
	}
	text := "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}]\nvars: {var.x: string}\n"
	if strings.Contains(step, "held") {
		text += "tables: {held: {cache: {}}}\n"
	}
	if strings.Contains(step, "peers") {
		text += "tables: {peers: {address: {values: [{ip: 10.0.0.1}]}}}\n"
	}
	if strings.Contains(step, "pstn") {
		text += "gateways: {pstn: {destinations: [{uri: \"sip:192.0.2.10\"}]}}\n"
	}
	if strings.Contains(step, "rates") {
		text += "tables: {rates: {lcr: {values: []}}}\n"
	}
	if strings.Contains(step, "people") {
		text += "users: {people: {alice@example.net: {ha1: 0123456789abcdef0123456789abcdef}}}\n"
	}
	text += "routes:\n"
	if !strings.Contains(letters, "R") {
		text += "  request: [{do: [{relay: {}}]}]\n"
	}
	for _, p := range placeTypes {
		if strings.Contains(letters, p.letter) {
			text += "  " + strings.Replace(p.key, "STEP", own, 1) + "\n"
		}
	}
	return text + "  sub: {common: [{do: [{log: {message: m}}]}]" + sub + "}\n"
}

// Every action that there is has its law, and no other.
func TestPlacesComplete(t *testing.T) {
	var known []string
	for _, k := range Vocabulary().Actions {
		known = append(known, k.Name)
		if _, ok := places[k.Name]; !ok {
			t.Errorf("%s: no law of where it may stand", k.Name)
		}
	}
	for name := range places {
		if !slices.Contains(known, name) {
			t.Errorf("%s: a law without an action", name)
		}
	}
}

// Every action stands where the law lets it, and in each other type of route there is
// one diagnostic: at the action, with the types where it may stand. In a sub-route it
// says how the run gets there.
func TestPlaces(t *testing.T) {
	for name, law := range places {
		step := tried(name)
		for _, at := range placeTypes {
			for _, by := range []bool{false, true} {
				where := fmt.Sprintf("%s in %s, by sub-routes: %v", name, at.title(), by)
				policy := lawPolicy(step, at.letter, by)
				switch {
				case name == "return" && !by:
					refused(t, where, policy, name, schema.ReturnOutside,
						`"return" leaves a sub-route; this is `+at.title(), "exit ends the run")
				case name == "exit" && at.letter == "R": // it may, but for the answer it owes
					refused(t, where, policy, name, schema.Unanswered, "", "")
				case strings.Contains(law.where, at.letter):
					taken(t, where, policy)
				default:
					forbidden(t, where, policy, name, at, by)
				}
			}
		}
	}
}

// A sub-route may use what all its callers may: one caller too many gives one
// diagnostic, which names it, and so do all of them.
func TestPlacesOfCallers(t *testing.T) {
	for name, law := range places {
		if law.where == "RBFOELST" {
			continue
		}
		step := tried(name)
		taken(t, name+" called from all that may", lawPolicy(step, law.where, true))
		var first *placeType
		for _, at := range placeTypes {
			if strings.Contains(law.where, at.letter) {
				continue
			}
			if first == nil {
				first = &at
			}
			where := name + " called from " + at.title() + " too"
			forbidden(t, where, lawPolicy(step, law.where+at.letter, true), name, at, true)
		}
		all := lawPolicy(step, "RBFOELST", true)
		forbidden(t, name+" called from everywhere", all, name, *first, true)
	}
}

// forbidden wants the law told of an action in a route type.
func forbidden(t *testing.T, where, policy, name string, at placeType, by bool) {
	t.Helper()
	hint := ""
	if by {
		hint = "it runs there by " + at.name + " route" + at.route + " → outer → inner"
	}
	refused(t, where, policy, name, schema.ActionNotHere, fmt.Sprintf(
		"%q cannot be used in %s (allowed: %s)", name, at.title(), allowed(places[name].where)), hint)
}

// refused wants one diagnostic, an error at the action that is tried; message "": any.
func refused(
	t *testing.T, where, policy, name string, code schema.Code, message, hint string,
) {
	t.Helper()
	_, _, diags := schema.LoadBytes("policy.yaml", []byte(policy), Vocabulary())
	if len(diags) != 1 {
		t.Errorf("%s: want one diagnostic, got %v", where, diags)
		return
	}
	d := diags[0]
	before := policy[:strings.Index(policy, tried(name))+len("{ ")]
	line := strings.Count(before, "\n")
	col := len(before) - strings.LastIndex(before, "\n") // from 1
	if d.Code != code || d.Severity != schema.Error || message != "" && (d.Message != message ||
		d.Hint != hint || d.Pos.Line != line+1 || d.Pos.Col != col) {
		t.Errorf("%s: want %d:%d %v %s (%s)\ngot  %v (%s)",
			where, line+1, col, code, message, hint, d, d.Hint)
	}
}

// taken wants a policy that compiles.
func taken(t *testing.T, where, policy string) {
	t.Helper()
	doc, _, diags := schema.LoadBytes("policy.yaml", []byte(policy), Vocabulary())
	if doc != nil {
		_, more := Compile(doc, Env{})
		diags = append(diags, more...)
	}
	if diags.HasErrors() {
		t.Errorf("%s: want none, got %v", where, diags)
	}
}
