package registrar

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"sipedge/backends"
	"sipedge/router/identity"
	"sipedge/router/job"
	"sipedge/router/nexthop"
	"sipedge/sip"
)

// Lookup is how bindings become the target set of a request.
type Lookup struct {
	Methods bool // bindings that do not allow the request's method are left out
	Newest  bool // the one registered last comes first, whatever its q
	First   bool // the first alone
	Serial  bool // those of a lower q come when those of a higher one failed
	// Gateways has those lead that registered by UDP from where a gateway stands.
	Gateways bool
}

// Found is what came of a Lookup.
type Found uint8

const (
	None        Found = iota // there is no binding
	Insecure                 // none has a sips Contact, for a sips Request-URI
	Unsupported              // none allows the method
	Some
)

// Targets makes bindings the target set of j: the best the Request-URI, the others its Targets.
// There are at most so many. A binding is reached by its Path, else where it registered from, else
// by its Contact. To a sips Request-URI leads a sips Contact alone, RFC 5630 §5.4. To a gateway
// of g those lead alone whose source is proved.
func (l *Lookup) Targets(
	j *job.Job, list []backends.Binding, most int, g *nexthop.Guard,
) Found {
	slices.SortStableFunc(list, func(a, b backends.Binding) int {
		newest := b.Modified.Compare(a.Modified)
		if l.Newest {
			return newest
		}
		return cmp.Or(cmp.Compare(b.Q, a.Q), newest)
	})
	if l.First {
		most = 1
	}
	ruri, ok := j.Msg.RequestURI()
	secure := ok && ruri.Scheme == sip.SIPS
	found, bit := None, uint32(1)<<j.Msg.Method()
	for i := range list {
		b := &list[i]
		if l.Methods && b.Methods != 0 && b.Methods&bit == 0 {
			found = max(found, Unsupported)
			continue
		}
		t, scheme, ok := l.target(j, b, g)
		switch {
		case !ok:
		case secure && scheme != sip.SIPS:
			found = max(found, Insecure)
		case found != Some:
			found = Some
			j.Msg.SetRURI(t.URI)
			j.Own, j.Targets = t, j.Targets[:0]
		case 1+len(j.Targets) < most:
			j.Targets = append(j.Targets, t)
		}
	}
	if l.Serial && found == Some {
		j.Groups, j.Serial = true, true
	}
	return found
}

// target is where a binding leads, and the scheme of its Contact. ok false: nowhere, since it was
// not kept by us.
func (l *Lookup) target(
	j *job.Job, b *backends.Binding, g *nexthop.Guard,
) (t job.Target, scheme sip.Scheme, ok bool) {
	u, err := sip.ParseURI(b.Contact)
	if err != nil || u.Scheme == sip.SchemeOther {
		return t, u.Scheme, false
	}
	t = job.Target{URI: j.Bytes(requestURI(b, &u)), Q: b.Q, Said: true}
	switch {
	case len(b.Path) > 0:
		hop, ok := firstHop(b.Path)
		if !ok {
			return t, u.Scheme, false
		}
		t.NextHop, t.Route = j.Bytes(hop), j.Bytes(b.Path)
		t.Local = l.registeredFrom(b.Received, hop, g) && l.proved(b.Received, g)
	case len(b.Received) > 0:
		// No message named it: it is where one came from.
		hop, conn := overOf(b.Received)
		t.NextHop, t.Local, t.Conn = j.Bytes(hop), l.proved(b.Received, g), conn
	}
	t.Listener = listenerOf(j.Self, b.Listener)
	return t, u.Scheme, true
}

// proved reports whether who registered from a source is known to stand there: by a stream, or on
// this machine, which nothing from elsewhere says to come from. The source of a datagram is its
// sender's word, which the destination guard looks at; where that is a gateway's, the policy says
// whether they register. Others may have kept the binding, or a policy before, and Request.guard
// let it pass.
func (l *Lookup) proved(received []byte, g *nexthop.Guard) bool {
	uri, _ := overOf(received)
	u, err := sip.ParseURI(uri)
	if err != nil || identity.TransportOf(&u).Reliable() {
		return true
	}
	at, literal := nexthop.Literal(&u)
	if literal && g.IsGateway(at) {
		return l.Gateways
	}
	return literal && at.Addr().IsLoopback()
}

// registeredFrom reports whether a URI leads to who a binding was received from: to that host, or
// that port of it where a gateway stands beside others, unless gateways register.
func (l *Lookup) registeredFrom(received, uri []byte, g *nexthop.Guard) bool {
	source, _ := overOf(received)
	from, err := sip.ParseURI(source)
	to, err2 := sip.ParseURI(uri)
	if err != nil || err2 != nil {
		return false
	}
	at, known := nexthop.Literal(&from)
	hop, literal := nexthop.Literal(&to)
	return known && literal &&
		(g.Stands(at, hop) || at.Addr() == hop.Addr() && (l.Gateways || !g.IsGateway(hop)))
}

// requestURI is the Contact of a binding, which is u, as a Request-URI: without headers, RFC 3261
// §19.1.1.
func requestURI(b *backends.Binding, u *sip.URI) []byte {
	if u.Headers == nil {
		return b.Contact
	}
	return b.Contact[:len(b.Contact)-len(u.Headers)-1]
}

// Listens reports whether a binding came by one of our listeners, whose name it has.
func Listens(self *job.Self, name []byte) bool { return listenerOf(self, name) != 0 }

// listenerOf is the index of the listener of a name, plus one; 0: there is none.
func listenerOf(self *job.Self, name []byte) uint16 {
	if self == nil {
		return 0
	}
	var buf [64]byte
	for i, l := range self.Listeners() {
		if string(appendListener(buf[:0], l)) == string(name) {
			return uint16(i) + 1
		}
	}
	return 0
}

// firstHop is the first URI of a Path. ok false: it is none that a request can be sent to.
func firstHop(path []byte) (uri []byte, ok bool) {
	_, path, ok = bytes.Cut(path, []byte("<"))
	if !ok {
		return nil, false
	}
	if uri, _, ok = bytes.Cut(path, []byte(">")); !ok {
		return nil, false
	}
	u, err := sip.ParseURI(uri)
	return uri, err == nil && (u.Scheme == sip.SIP || u.Scheme == sip.SIPS)
}

// allowed are the methods that any of the bindings allows, as a header line.
func allowed(list []backends.Binding) (line []byte) {
	var all uint32
	for i := range list {
		all |= list[i].Methods
	}
	line = append(line, "Allow: "...)
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		if all&(1<<m) == 0 {
			continue
		}
		if len(line) > len("Allow: ") {
			line = append(line, ", "...)
		}
		line = append(line, m.String()...)
	}
	return append(line, "\r\n"...)
}

// AppendAOR appends the address of record that a text stands for: a URI, or user@host.
func AppendAOR(dst []byte, n backends.Names, text []byte) (aor []byte, ok bool) {
	u, err := sip.ParseURI(text)
	if err != nil || u.Scheme == sip.SchemeOther {
		if u, err = sip.ParseURI(append([]byte("sip:"), text...)); err != nil {
			return dst, false
		}
	}
	return n.AppendAOR(dst, &u)
}

var sets = sync.Pool{New: func() any { return new(backends.Set) }}

// getSet and putSet lend a set.
func getSet() *backends.Set { return sets.Get().(*backends.Set) }

func putSet(s *backends.Set) {
	s.Reset()
	sets.Put(s)
}
