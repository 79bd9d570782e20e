package vars

import (
	"slices"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// uriFields are the parts of the Request-URI and of the headers that hold one.
func uriFields() []Field {
	from := func(j *job.Job) (sip.NameAddr, bool) {
		a, ok := j.Msg.From()
		return *a, ok
	}
	to := func(j *job.Job) (sip.NameAddr, bool) {
		a, ok := j.Msg.To()
		return *a, ok
	}
	ruri := Field{
		Name: "ruri", Type: URI, Where: inRequests,
		Doc: "The Request-URI.",
		Append: func(dst []byte, j *job.Job, _ string) []byte {
			return append(dst, j.Msg.RURI()...)
		},
	}
	return slices.Concat(
		[]Field{ruri},
		partFields("ruri", "the Request-URI", inRequests, RURI),
		addressFields("from", "From", inMessages, sip.From, from),
		addressFields("to", "To", inMessages, sip.To, to),
		addressFields("contact", "the first Contact", inMessages, sip.Contact, firstContact),
	)
}

// RURI is the Request-URI parsed; ok false: none or malformed.
func RURI(j *job.Job) (u sip.URI, ok bool) {
	p, ok := j.Msg.RequestURI()
	if !ok {
		return u, false
	}
	return *p, true
}

// Port is the port of a URI: as written, else the default one of its transport
// parameter or scheme (RFC 3261 §19.1.2); 0 for a URI without host.
func Port(u *sip.URI) uint16 {
	if u.Port != 0 || u.Scheme != sip.SIP && u.Scheme != sip.SIPS {
		return u.Port
	}
	return Transport(u).DefaultPort()
}

// Transport is what a URI asks for: its transport parameter's, TLS for sips
// (RFC 3261 §26.2.2), else UDP.
func Transport(u *sip.URI) sip.Transport {
	t := u.Transport()
	switch {
	case u.Scheme == sip.SIPS && t == sip.WS:
		return sip.WSS
	case u.Scheme == sip.SIPS && t < sip.TLS:
		return sip.TLS
	case t == sip.NoTransport:
		return sip.UDP
	}
	return t
}

func firstContact(j *job.Job) (sip.NameAddr, bool) {
	e, ok := j.Msg.FirstElement(sip.Contact)
	if !ok {
		return sip.NameAddr{}, false
	}
	a, err := sip.ParseNameAddr(e.Value)
	return a, err == nil && !a.Star
}

// addressFields are the fields of a header that holds a name-addr.
func addressFields(
	name, what string, where schema.Place, id sip.HeaderID,
	get func(*job.Job) (sip.NameAddr, bool),
) []Field {
	part := func(f func(*sip.NameAddr) []byte) func([]byte, *job.Job, string) []byte {
		return func(dst []byte, j *job.Job, _ string) []byte {
			if a, ok := get(j); ok {
				dst = append(dst, f(&a)...)
			}
			return dst
		}
	}
	uri := func(j *job.Job) (sip.URI, bool) {
		a, ok := get(j)
		if !ok {
			return sip.URI{}, false
		}
		u, err := sip.ParseURI(a.URI)
		return u, err == nil
	}
	fields := []Field{
		{Name: name, Where: where, Doc: "The whole of " + what + ", unfolded.", Append: header(id)},
		{Name: name + ".uri", Type: URI, Where: where, Doc: "The URI of " + what + ".",
			Append: part(func(a *sip.NameAddr) []byte { return a.URI })},
		{Name: name + ".display", Where: where,
			Doc:    "The display name of " + what + " as written, quotes included.",
			Append: part(func(a *sip.NameAddr) []byte { return a.Display })},
	}
	if id == sip.From || id == sip.To {
		fields = append(fields, Field{
			Name: name + ".tag", Where: where, Doc: "The tag of " + what + ".",
			Append: part((*sip.NameAddr).Tag),
		})
	}
	return append(fields, partFields(name, "the URI of "+what, where, uri)...)
}

// partFields are the parts of one URI, as written.
func partFields(
	name, what string, where schema.Place, get func(*job.Job) (sip.URI, bool),
) []Field {
	part := func(f func([]byte, *sip.URI) []byte) func([]byte, *job.Job, string) []byte {
		return func(dst []byte, j *job.Job, _ string) []byte {
			if u, ok := get(j); ok {
				dst = f(dst, &u)
			}
			return dst
		}
	}
	return []Field{
		{Name: name + ".scheme", Where: where, Doc: "The scheme of " + what + ".",
			Append: part(func(dst []byte, u *sip.URI) []byte { return append(dst, u.SchemeName...) })},
		{Name: name + ".user", Where: where, Doc: "The user of " + what + ", still escaped.",
			Append: part(func(dst []byte, u *sip.URI) []byte { return append(dst, u.User...) })},
		{Name: name + ".password", Where: where,
			Doc:    "The password of " + what + ", still escaped.",
			Append: part(func(dst []byte, u *sip.URI) []byte { return append(dst, u.Password...) })},
		{Name: name + ".transport", Where: where,
			Doc: "The transport " + what + " asks for.",
			Append: part(func(dst []byte, u *sip.URI) []byte {
				if u.Scheme == sip.SIP || u.Scheme == sip.SIPS {
					dst = append(dst, Transport(u).String()...)
				}
				return dst
			})},
		{Name: name + ".host", Where: where,
			Doc:    "The host of " + what + ", an IPv6 address in brackets.",
			Append: part(func(dst []byte, u *sip.URI) []byte { return sip.AppendHost(dst, u.Host) })},
		{Name: name + ".port", Where: where,
			Doc: "The port of " + what + ", the transport's default one if none is written.",
			Int: func(j *job.Job) (int64, bool) {
				u, ok := get(j)
				if !ok {
					return 0, false
				}
				port := Port(&u)
				return int64(port), port != 0
			}},
		{Name: name + ".params.*", Where: where,
			Doc: "The value of that parameter of " + what + ".",
			Append: func(dst []byte, j *job.Job, param string) []byte {
				if u, ok := get(j); ok {
					v, _ := u.Param(param)
					dst = append(dst, v...)
				}
				return dst
			}},
	}
}
