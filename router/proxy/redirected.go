package proxy

import (
	"hash/maphash"
	"net/netip"

	"sipedge/router/job"
	"sipedge/sip"
)

// Redirected calls follow with each 300, 301 and 302 that branches were answered, for a failure
// route. One that is followed is the best response no more, unless there is no other, RFC 3261
// §16.7 step 4. After a CANCEL or a 6xx there is none to follow.
func (p *Proxy) Redirected(j *job.Job, follow func(m *sip.Message) (followed bool)) {
	c, ok := j.Context.(*responseContext)
	if !ok || c.cancelled || c.declined {
		return
	}
	for _, b := range c.branches {
		if b.resp != nil && b.status >= 300 && b.status <= 302 && follow(b.resp) {
			b.followed = true
		}
	}
}

// Tried reports whether the request came for a URI, was sent to it, or is to be by NextBranches.
func (p *Proxy) Tried(j *job.Job, u *sip.URI) bool {
	c, ok := j.Context.(*responseContext)
	if !ok {
		return false
	}
	is := mark(u)
	for _, b := range c.branches {
		if b.uri == is {
			return true
		}
	}
	for i := range c.later {
		if marked(c.later[i].URI, is) {
			return true
		}
	}
	return marked(c.received, is)
}

func marked(uri []byte, is uint32) bool {
	u, err := sip.ParseURI(uri)
	return err == nil && mark(&u) == is
}

// Recursed is how many branches of the transaction follow a redirection, or are to.
func (p *Proxy) Recursed(j *job.Job) (n int) {
	c, ok := j.Context.(*responseContext)
	if !ok {
		return 0
	}
	for _, b := range c.branches {
		if b.recursed {
			n++
		}
	}
	for i := range c.later {
		if c.later[i].Recursed {
			n++
		}
	}
	return n
}

// note keeps of a branch what failure routes may ask when it was redirected.
func (c *responseContext) note(b *branch, t *job.Target) {
	if b.recursed = t.Recursed; b.recursed {
		c.p.stats.recursed.Add(1)
	}
	if u, ok := b.msg.RequestURI(); ok && c.hooks.Failure != nil {
		b.uri = mark(u)
	}
}

var marks = maphash.MakeSeed()

// mark is the same for URIs that are written alike, but for the case of their hosts.
func mark(u *sip.URI) uint32 {
	var buf [256]byte
	v := *u
	v.Host = nil
	b := sip.AppendLower(append(v.AppendTo(buf[:0]), '@'), u.Host)
	return uint32(maphash.Bytes(marks, b))
}

// markOf is the mark of an address by a transport.
func markOf(t sip.Transport, at netip.AddrPort) uint32 {
	addr := at.Addr().As16()
	b := [19]byte{byte(t), byte(at.Port() >> 8), byte(at.Port())}
	copy(b[3:], addr[:])
	return uint32(maphash.Bytes(marks, b[:]))
}
