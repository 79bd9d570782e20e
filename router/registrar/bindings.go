package registrar

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"time"

	"sipedge/backends"
	"sipedge/sip"
)

// retransmitted is how long after a request was served the same one is taken for sent again:
// as long as a client does so, Timer F of RFC 3261 §17.1.2.2.
const retransmitted = 32 * time.Second

// Apply is backends.Change's: RFC 3261 §10.3 steps 6 to 8 over the bindings that live. It leaves
// the answer in r.
func (r *Request) Apply(s *backends.Set) (changed bool) {
	r.Status, r.Reason, r.Lines = 0, "", r.Lines[:0]
	before := len(s.Bindings)
	r.touched = append(r.touched[:0], make([]bool, before)...)
	switch {
	case r.star:
		changed = r.removeAll(s)
	case r.mirror:
		changed = true
		r.follow(s)
	default:
		for i := range r.contacts {
			did := r.apply(s, &r.contacts[i])
			changed = changed || did
			if r.Status != 0 {
				return false
			}
		}
		r.limit(s, before)
	}
	if r.Status != 0 {
		return false
	}
	r.Status = 200
	r.list(s)
	return changed
}

// removeAll is step 6.
func (r *Request) removeAll(s *backends.Set) bool {
	for i := range s.Bindings {
		if r.order(&s.Bindings[i]) != newer {
			r.refuse(500, "Out of Order")
			return false
		}
	}
	changed := len(s.Bindings) > 0
	s.Bindings = s.Bindings[:0]
	return changed
}

// order is how a request stands to the one that made a binding.
type order uint8

const (
	newer order = iota
	again       // it is the same
	older
)

// order is step 7: the CSeq counts where the Call-ID is the same.
func (r *Request) order(b *backends.Binding) order {
	switch {
	case !bytes.Equal(b.CallID, r.callID), r.cseq > b.CSeq:
		return newer
	case r.cseq == b.CSeq && r.now.Sub(b.Modified) < retransmitted:
		return again
	}
	return older
}

// apply is step 7 for one Contact.
func (r *Request) apply(s *backends.Set, c *contact) (changed bool) {
	n := r.find(s.Bindings, c)
	switch {
	case n < 0 && c.expires == 0:
		return false
	case n < 0:
		s.Bindings = append(s.Bindings, backends.Binding{})
		r.touched = append(r.touched, true)
		r.bind(&s.Bindings[len(s.Bindings)-1], c)
		return true
	case r.touched[n]: // by an earlier Contact of the request
	default:
		switch r.order(&s.Bindings[n]) {
		case again:
			r.touched[n] = true
			return false
		case older:
			r.refuse(500, "Out of Order")
			return false
		}
	}
	if c.expires == 0 {
		s.Bindings = slices.Delete(s.Bindings, n, n+1)
		r.touched = slices.Delete(r.touched, n, n+1)
		return true
	}
	r.touched[n] = true
	r.bind(&s.Bindings[n], c)
	return true
}

// follow makes the bindings those of the contacts.
func (r *Request) follow(s *backends.Set) {
	for i := range r.contacts {
		c := &r.contacts[i]
		n := r.find(s.Bindings, c)
		if c.expires == 0 {
			continue
		}
		if n < 0 {
			s.Bindings, r.touched = append(s.Bindings, backends.Binding{}), append(r.touched, false)
			n = len(s.Bindings) - 1
		}
		b := &s.Bindings[n]
		r.touched[n] = true
		was := *b
		r.bind(b, c)
		b.Received, b.Path, b.Listener = was.Received, was.Path, was.Listener
		b.UserAgent, b.Methods = was.UserAgent, was.Methods
	}
	n := 0
	for i := range s.Bindings {
		if r.touched[i] {
			s.Bindings[n] = s.Bindings[i]
			n++
		}
	}
	s.Bindings = s.Bindings[:n]
}

// find is the binding that a Contact is about; -1: there is none.
func (r *Request) find(list []backends.Binding, c *contact) int {
	return slices.IndexFunc(list, func(b backends.Binding) bool {
		if r.rules.Match == ByInstance && len(c.instance) > 0 {
			return bytes.Equal(b.Instance, c.instance) && b.RegID == c.regID
		}
		if r.rules.Match == ByCallID && !bytes.Equal(b.CallID, r.callID) {
			return false
		}
		return bytes.Equal(b.Contact, c.uri.Raw) || equalURI(b.Contact, &c.uri)
	})
}

// bind makes b what a Contact asks for.
func (r *Request) bind(b *backends.Binding, c *contact) {
	id, flags, attr := b.ID, b.Flags, b.Attr
	*b = r.common
	b.ID, b.Flags, b.Attr = id, flags, attr
	b.Contact, b.Q, b.Instance, b.RegID = c.uri.Raw, c.q, c.instance, c.regID
	b.Expires = r.now.Add(c.expires)
	if !c.received {
		b.Received = nil
	}
}

// limit keeps to the most bindings that an address of record may have. An address that has more
// already, since the limit was another, may refresh them.
func (r *Request) limit(s *backends.Set, before int) {
	most := r.rules.MaxContacts
	if most == 0 || len(s.Bindings) <= max(most, before) && !r.rules.Evict || len(s.Bindings) <= most {
		return
	}
	for r.rules.Evict && len(s.Bindings) > most {
		n := -1
		for i := range s.Bindings {
			if !r.touched[i] && (n < 0 || s.Bindings[i].Modified.Before(s.Bindings[n].Modified)) {
				n = i
			}
		}
		if n < 0 {
			break
		}
		s.Bindings = slices.Delete(s.Bindings, n, n+1)
		r.touched = slices.Delete(r.touched, n, n+1)
	}
	if len(s.Bindings) > most {
		r.refuse(503, "Too Many Bindings")
		r.Lines = append(r.Lines, "Retry-After: "...)
		r.Lines = strconv.AppendInt(r.Lines, int64(r.rules.RetryAfter/time.Second), 10)
		r.Lines = append(r.Lines, "\r\n"...)
	}
}

// list is step 8: the answer names all bindings, the most preferred first.
func (r *Request) list(s *backends.Set) {
	slices.SortStableFunc(s.Bindings, func(a, b backends.Binding) int { return cmp.Compare(b.Q, a.Q) })
	for i := range s.Bindings {
		b := &s.Bindings[i]
		l := append(append(append(r.Lines, "Contact: <"...), b.Contact...), ">;expires="...)
		l = strconv.AppendInt(l, int64((b.Expires.Sub(r.now)+time.Second-1)/time.Second), 10)
		if b.Q < 1000 {
			l = appendQ(append(l, ";q="...), b.Q)
		}
		if len(b.Received) > 0 {
			uri, _ := overOf(b.Received)
			l = append(append(append(l, `;received="`...), uri...), '"')
		}
		if len(b.Instance) > 0 {
			l = append(append(l, ";+sip.instance="...), b.Instance...)
		}
		if b.RegID != 0 {
			l = strconv.AppendUint(append(l, ";reg-id="...), uint64(b.RegID), 10)
		}
		r.Lines = append(l, "\r\n"...)
	}
	if r.echo {
		r.Lines = sip.AppendHeaderLine(r.Lines, sip.Path, r.common.Path)
	}
}

// appendQ appends a q-value given in thousandths, RFC 3261 §25.1.
func appendQ(dst []byte, q int) []byte {
	if q >= 1000 {
		return append(dst, '1')
	}
	dst = append(dst, '0', '.', '0'+byte(q/100), '0'+byte(q/10%10), '0'+byte(q%10))
	return bytes.TrimSuffix(bytes.TrimRight(dst, "0"), []byte("."))
}
