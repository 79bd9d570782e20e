package router

import (
	"strings"
	"testing"

	"sipedge/backends"
	"sipedge/backends/memory"
	"sipedge/schema"
)

// stored finds a store of its own for every name but none.
func stored() func(string) backends.Locations {
	all := map[string]backends.Locations{}
	return func(name string) backends.Locations {
		if name == "none" {
			return nil
		}
		if all[name] == nil {
			all[name] = memory.New(backends.Names{})
		}
		return all[name]
	}
}

func TestListenersNamed(t *testing.T) {
	match := func(text string) string {
		return "    - match: {" + text + "}\n      do: [{drop: {}}]\n"
	}
	doc := load(t, "version: 1\nlisten: [{udp: \"10.0.0.9:5060\"}]\nroutes:\n  request:\n"+
		match("listener: 'udp:1'")+match("method: BYE")+
		match("any: [{listener: ['udp:b', 'udp:c']}, {not: {all: [{listener: 'udp:d'}]}}]")+
		"    - do: [{drop: {}}]\n")
	var got []string
	for _, text := range listeners(append(doc.Routes.Request, schema.Rule{})) {
		if text.Pos.Line == 0 {
			t.Errorf("%s: no place", text.S)
		}
		got = append(got, text.S)
	}
	if want := "udp:1 udp:b udp:c udp:d"; strings.Join(got, " ") != want {
		t.Errorf("want %s, got %v", want, got)
	}
}

// A store that is not there is told of where it is named.
func TestUnknownLocation(t *testing.T) {
	doc := load(t, `version: 1
listen: [{udp: "10.0.0.9:5060"}]
routes:
  request:
    - match: {registered: {location: none}}
      do: [{save: {location: none, min_expires: 2h, max_expires: 1h}}]
    - do: [{lookup: {location: none}}, {relay: {}}]
`)
	_, diags := Compile(doc, Env{Locations: stored()})
	var got []string
	for _, d := range diags {
		got = append(got, d.Message)
	}
	want := []string{
		`there is no location store "none"`, `there is no location store "none"`,
		"a client may always ask for an hour (RFC 3261 §10.3)",
		"max_expires is less than min_expires, 2h0m0s", `there is no location store "none"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("want\n%s\ngot\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}
