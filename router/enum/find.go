package enum

import (
	"context"
	"errors"
	"time"

	"sipedge/sip/resolve"
)

// Question is what is asked for.
type Question struct {
	Number  string // +, and 2 to 15 digits; of an ISN subscriber*domain
	Suffix  string // e164.arpa
	Variant Variant
	Service string // in lower case: sip, voice:sip
	Legacy  bool   // rules as of RFC 2916 count
}

// Result is a URI that a number stands for.
type Result struct {
	URI  string
	Rank int // from 0: results of the same order and preference have the same
}

// Finder finds what a number stands for, in order of preference; none is no error. It may block.
type Finder interface {
	Find(ctx context.Context, q *Question) ([]Result, error)
}

// Resolver is what DNS asks of sip/resolve.
type Resolver interface {
	NAPTR(ctx context.Context, name string) ([]resolve.NAPTR, error)
	Branch(ctx context.Context, name string, by resolve.BranchRecord) (resolve.Branch, error)
}

// DNS is the Finder that asks the DNS. A question takes at most Budget, whatever rules lead on to.
type DNS struct {
	Resolver Resolver
	Budget   time.Duration
}

const (
	maxResults = 32
	maxNames   = 5 // that rules may lead on to
)

// Find implements Finder.
func (d *DNS) Find(ctx context.Context, q *Question) ([]Result, error) {
	name, ok := q.Variant.name(q.Number, q.Suffix)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.Budget)
	defer cancel()
	if by := records[q.Variant]; by != 0 {
		var err error
		if name, err = d.branch(ctx, q, by); err != nil {
			return nil, err
		}
	}
	s := search{ctx: ctx, dns: d, q: q}
	err := s.at(name)
	if len(s.found) > 0 || errors.Is(err, resolve.ErrNotFound) {
		err = nil
	}
	return s.found, err
}

// branch is the name of the number of q where a record says that the infrastructure tree branches
// off. Without one that is behind the country code.
func (d *DNS) branch(ctx context.Context, q *Question, by resolve.BranchRecord) (string, error) {
	number := q.Number[1:]
	at := behindCountry(number, q.Suffix)
	said, err := d.Resolver.Branch(ctx, branched(number[:at.Position], at), by)
	switch {
	case errors.Is(err, resolve.ErrNotFound):
	case err != nil:
		return "", err
	case by == resolve.TXT:
		at.Position = said.Position
	default:
		at = said
	}
	return branched(number, at), nil
}

// search is a question under way.
type search struct {
	ctx   context.Context
	dns   *DNS
	q     *Question
	names []string // asked for
	found []Result
	rank  int
}

// at takes the rules of a name by order and preference; one that is not terminal stands for those
// of another name, RFC 3403 §4.1. A name is asked for once, so circles end.
func (s *search) at(name string) error {
	for _, known := range s.names {
		if known == name {
			return nil
		}
	}
	if len(s.names) > maxNames {
		return nil
	}
	s.names = append(s.names, name)
	rules, err := s.dns.Resolver.NAPTR(s.ctx, name)
	if err != nil {
		return err
	}
	for i := range rules {
		n := &rules[i]
		if i > 0 && (n.Order != rules[i-1].Order || n.Preference != rules[i-1].Preference) {
			s.rank++
		}
		switch {
		case len(s.found) == maxResults:
			return nil
		case n.Flags == "" && n.Regexp == "" && n.Replacement != "":
			if wrong := s.at(n.Replacement); wrong != nil && !errors.Is(wrong, resolve.ErrNotFound) {
				err = wrong
			}
		case n.Flags == "u" && offers(n, s.q.Service, s.q.Legacy):
			if uri, ok := rewrite(n.Regexp, s.q.Number); ok {
				s.found = append(s.found, Result{uri, s.rank})
			}
		}
	}
	return err
}
