package graph

import (
	"slices"
	"strings"

	"sipedge/schema"
)

// Who says what a text is: the policy, with the tables its operator keeps, or messages. A
// variable has of messages the most that some step writes into it, whenever that runs; a cache
// has what messages put there.

// share is how much of a text messages say.
type share uint8

const (
	nothing share = iota
	user          // of a URI nothing behind its user
	anything
)

// NamesHost reports whether the host of what a step sets is the policy's, not a message's.
func (p *Policy) NamesHost(s *schema.Step, text string) bool {
	if s.Kind == "set_host" {
		return p.shareOf(text) == nothing
	}
	return p.shareOf(text) <= user
}

// share finds the shares of variables.
func (p *Policy) share() {
	p.shares = map[string]share{}
	var writers []*schema.Step
	for _, l := range p.Lists {
		for i := range l.Rules {
			for n := range l.Rules[i].Steps {
				switch s := l.Rules[i].Steps[n].Src; s.Kind {
				case "set", "push", "query":
					writers = append(writers, s)
				}
			}
		}
	}
	for changed := true; changed; {
		changed = false
		note := func(name string, of share) {
			if of > p.shares[name] {
				p.shares[name], changed = of, true
			}
		}
		for _, s := range writers {
			if s.Kind == "query" {
				if p.isCache(s.Args.Get("table").S) {
					note(s.Args.Get("into").S, anything)
				}
				continue
			}
			for i := range s.Args.Keys {
				note(s.Args.Keys[i].Name, p.shareOf(s.Args.Keys[i].Value.S))
			}
		}
	}
}

func (p *Policy) isCache(table string) bool { return p.isOf(table, "cache") }

// Exact reports whether a table has its operator's texts, and no other text is found in it.
func (p *Policy) Exact(table string) bool { return p.isOf(table, "set", "map") }

func (p *Policy) isOf(table string, kinds ...string) bool {
	return slices.ContainsFunc(p.Doc.Tables, func(t schema.Table) bool {
		return t.Name == table && slices.Contains(kinds, t.Kind)
	})
}

// shareOf is the share of a template.
func (p *Policy) shareOf(text string) share {
	of, last := nothing, ""
	each(&schema.Value{Kind: schema.String, S: text}, func(field string) {
		name, _, _ := strings.Cut(field, "[")
		is := anything
		if p.Types[name] != "" {
			is = p.shares[name]
		}
		of, last = max(of, is), field
	})
	if of == nothing || text == "{"+last+"}" {
		return of
	}
	scheme, rest, _ := strings.Cut(text, ":")
	at := strings.LastIndexByte(rest, '@')
	if HasField(scheme) || at < 0 || p.shareOf(rest[at+1:]) != nothing {
		return anything
	}
	return user
}
