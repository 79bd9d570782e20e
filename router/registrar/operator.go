package registrar

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"sipedge/backends"
	"sipedge/sip"
)

// Removal is a change by which bindings go, whoever made them.
type Removal struct {
	Contact []byte // of the one that goes, a URI; empty: all go
	Removed int    // how many went by the last Apply
}

// Apply is backends.Change's.
func (r *Removal) Apply(s *backends.Set) (changed bool) {
	before := len(s.Bindings)
	u, err := sip.ParseURI(r.Contact)
	s.Bindings = slices.DeleteFunc(s.Bindings, func(b backends.Binding) bool {
		return len(r.Contact) == 0 || bytes.Equal(b.Contact, r.Contact) ||
			err == nil && equalURI(b.Contact, &u)
	})
	r.Removed = before - len(s.Bindings)
	return r.Removed > 0
}

// equalURI reports whether the Contact of a binding is a URI, RFC 3261 §19.1.4.
func equalURI(contact []byte, to *sip.URI) bool {
	u, err := sip.ParseURI(contact)
	return err == nil && u.Equal(to)
}

// Addition is a change by which an operator's binding comes; one of the same Contact becomes it.
type Addition struct{ binding backends.Binding }

// NewAddition makes a change of the Contact, Q, Expires, Path, Received and UserAgent of b. An
// error says which of them can't be.
func NewAddition(b backends.Binding, now time.Time) (*Addition, error) {
	contact, err := sip.ParseURI(b.Contact)
	switch {
	case err != nil, contact.Scheme == sip.SchemeOther, unclean(b.Contact):
		return nil, fmt.Errorf("contact %q is no SIP or tel URI", b.Contact)
	case len(b.Contact) > maxContact:
		return nil, errors.New("contact is too long")
	case b.Q < 0 || b.Q > 1000:
		return nil, errors.New("q is 0 to 1")
	case !b.Expires.After(now) || b.Expires.Sub(now) > mostSeconds*time.Second:
		return nil, errors.New("a binding lives for a second to 68 years")
	}
	if len(b.Path) > 0 {
		if _, ok := firstHop(b.Path); !ok || len(b.Path) > maxPath || unclean(b.Path) {
			return nil, fmt.Errorf("path %q is no Path", b.Path)
		}
	}
	if len(b.Received) > 0 {
		if u, err := sip.ParseURI(b.Received); err != nil || u.Scheme == sip.SchemeOther ||
			len(b.Received) > maxContact || unclean(b.Received) {
			return nil, fmt.Errorf("received %q is no SIP URI", b.Received)
		}
	}
	return &Addition{backends.Binding{
		Contact: b.Contact, Q: b.Q, Expires: b.Expires, Path: b.Path, Received: b.Received,
		UserAgent: b.UserAgent, CallID: []byte(rand.Text()), CSeq: 1, Modified: now,
	}}, nil
}

// unclean reports whether a text could break a line of a message.
func unclean(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Apply is backends.Change's.
func (a *Addition) Apply(s *backends.Set) (changed bool) {
	u, _ := sip.ParseURI(a.binding.Contact) // NewAddition did
	n := slices.IndexFunc(s.Bindings, func(b backends.Binding) bool {
		return equalURI(b.Contact, &u)
	})
	if n < 0 {
		s.Bindings = append(s.Bindings, a.binding)
		return true
	}
	id := s.Bindings[n].ID
	s.Bindings[n] = a.binding
	s.Bindings[n].ID = id
	return true
}
