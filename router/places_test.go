package router

import (
	"strings"
	"testing"

	"sipedge/schema"
)

// places is the law of what may stand where: R request, B branch, F failure,
// O reply, E error, L local, S startup, T timer.
var places = map[string]struct{ where, step string }{
	"add_header":         {"RBFOL", "{X: y}"},
	"append_branch":      {"RF", `{uri: "sip:x@10.0.0.3"}`},
	"ban":                {"RF", `{table: held, key: k}`},
	"drop":               {"RBOE", "{}"},
	"exit":               {"RBFOELST", "{}"},
	"force_rport":        {"R", "{}"},
	"force_send_socket":  {"RBFL", `"udp:10.0.0.9:5060"`},
	"forward":            {"R", "{}"},
	"log":                {"RBFOELST", "{message: m}"},
	"loose_route":        {"R", "{}"},
	"max_forwards":       {"R", "{limit: 10}"},
	"next_branches":      {"RF", "{}"},
	"pop":                {"RBFOELST", "var.x"},
	"prefix":             {"RBF", `"0"`},
	"push":               {"RBFOELST", "{var.x: y}"},
	"put":                {"RFOELST", "{table: held, key: k}"},
	"query":              {"RF", "{table: held, key: k}"},
	"rate_limit":         {"R", "{key: k, rate: 10/s}"},
	"record_route":       {"RBF", "{}"},
	"redirect":           {"RF", `{to: "sip:x@10.0.0.3"}`},
	"relay":              {"RF", "{}"},
	"remove_header":      {"RBFOL", "X"},
	"reply":              {"RFE", "{code: 404}"},
	"reply_error":        {"RF", "{}"},
	"return":             {"", "{}"},
	"revert_uri":         {"RBF", "{}"},
	"rewrite_uri":        {"RBF", `"sip:x@10.0.0.3"`},
	"route":              {"RBFOELST", "common"},
	"send_request":       {"FST", `{method: OPTIONS, to: "sip:x@10.0.0.3"}`},
	"serialize_branches": {"RF", "{}"},
	"set":                {"RBFOELST", "{var.x: y}"},
	"set_header":         {"RBFOL", "{X: y}"},
	"set_host":           {"RBF", "example.org"},
	"set_port":           {"RBF", "5070"},
	"set_user":           {"RBF", "x"},
	"strip":              {"RBF", "1"},
	"strip_tail":         {"RBF", "1"},
	"unset":              {"RBFOELST", "var.x"},
}

// placeTypes are the route types by letter, each with its key of `routes`, in
// which STEP is the step that is tried.
var placeTypes = []struct {
	letter string
	place  schema.Place
	route  string
}{
	{"B", schema.InBranch, "branch: {x: [{do: [STEP]}]}"},
	{"F", schema.InFailure, "failure: {x: [{do: [STEP]}]}"},
	{"O", schema.InReply, "reply: {x: [{match: {status: 1xx}, do: [STEP]}]}"},
	{"E", schema.InError, "error: [{do: [STEP]}]"},
	{"L", schema.InLocal, "local: [{do: [STEP]}]"},
	{"S", schema.InStartup, "startup: [STEP]"},
	{"T", schema.InTimer, "timer: {x: {every: 60s, do: [STEP]}}"},
}

// Every action stands where the law lets it stand, and in each other type of
// route there is one diagnostic, which names the types where it may.
func TestPlaces(t *testing.T) {
	for _, k := range Vocabulary().Actions {
		law, known := places[k.Name]
		if !known {
			t.Errorf("%s: no law of where it may stand", k.Name)
			continue
		}
		step := "{" + k.Name + ": " + law.step + "}"
		tryPlace(t, k.Name, "R", law.where, schema.InRequest, placePolicy(step, ""))
		for _, at := range placeTypes {
			route := strings.Replace(at.route, "STEP", step, 1)
			tryPlace(t, k.Name, at.letter, law.where, at.place, placePolicy("", route))
		}
	}
}

// placePolicy is a policy with a step for requests, and another route.
func placePolicy(step, route string) string {
	if step != "" {
		step = "    - {match: {method: INVITE}, do: [" + step + "]}\n"
	}
	if route != "" {
		route = "  " + route + "\n"
	}
	return "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}]\nvars: {var.x: string}\n" +
		"tables: {held: {cache: {}}}\nroutes:\n  request:\n" + step +
		"    - do: [{relay: {}}]\n" + route + "  sub: {common: [{do: [{log: {message: m}}]}]}\n"
}

func tryPlace(
	t *testing.T, action, letter, where string, place schema.Place, policy string,
) {
	t.Helper()
	doc, _, diags := schema.LoadBytes("policy.yaml", []byte(policy), Vocabulary())
	var errors []string
	for _, d := range diags {
		if d.Severity == schema.Error {
			errors = append(errors, d.Message)
		}
	}
	switch {
	case action == "return":
		if len(errors) != 1 || !strings.Contains(errors[0], "leaves a sub-route") {
			t.Errorf("return in %v: %q", place, errors)
		}
	case action == "exit" && letter == "R": // it may stand there, and leaves no answer
		if len(errors) != 1 || !strings.Contains(errors[0], "without an answer") {
			t.Errorf("exit in %v: %q", place, errors)
		}
	case strings.Contains(where, letter):
		if doc == nil || len(errors) > 0 {
			t.Errorf("%s in %v: want none, got %q", action, place, errors)
		}
	case len(errors) != 1 || !strings.HasPrefix(errors[0], `"`+action+`" cannot be used in a`) ||
		!strings.Contains(errors[0], " "+place.String()+" route (allowed: "):
		t.Errorf("%s in %v: want the law, got %q", action, place, errors)
	}
}
