package vars

import (
	"bytes"
	"strconv"

	"sipedge/sip"
)

// uriPipes take a URI, or what a header field with an address holds, apart.
var uriPipes = []Pipe{
	ofURI("uri.scheme", "The scheme of the URI.", String, func(dst []byte, u *sip.URI) []byte {
		return append(dst, u.SchemeName...)
	}),
	ofURI("uri.user", "The user of the URI, still escaped.", String,
		func(dst []byte, u *sip.URI) []byte { return append(dst, u.User...) }),
	ofURI("uri.host", "The host of the URI, an IPv6 address in brackets.", String,
		func(dst []byte, u *sip.URI) []byte { return sip.AppendHost(dst, u.Host) }),
	ofURI("uri.port", "The port of the URI, the transport's default one if none is written.", Int,
		func(dst []byte, u *sip.URI) []byte {
			if p := Port(u); p != 0 {
				dst = strconv.AppendUint(dst, uint64(p), 10)
			}
			return dst
		}),
	ofURI("uri.transport", "The transport the URI asks for.", String,
		func(dst []byte, u *sip.URI) []byte {
			if u.Scheme != sip.SIP && u.Scheme != sip.SIPS {
				return dst
			}
			return append(dst, Transport(u).String()...)
		}),
	{
		Name: "uri.param", Args: "(name)", Doc: "The value of that parameter of the URI.",
		params: []param{aText}, needed: 1, takes: anyText,
		make: func(a []argument) (transform, string) {
			if a[0].s == "" || !Token(a[0].s) {
				return nil, "not a name a parameter can have"
			}
			return func(dst, in []byte) []byte {
				if u, err := sip.ParseURI(in); err == nil {
					v, _ := u.Param(a[0].s)
					dst = append(dst, v...)
				}
				return dst
			}, ""
		},
	},
	ofAddress("addr.uri", "The URI of an address such as From has.", URI,
		func(dst []byte, a *sip.NameAddr) []byte { return append(dst, a.URI...) }),
	ofAddress("addr.name", "The display name of an address, without quotes.", String,
		func(dst []byte, a *sip.NameAddr) []byte { return appendUnquoted(dst, a.Display) }),
	{
		Name: "addr.param", Args: "(name)", Doc: "The value of that parameter of an address.",
		params: []param{aText}, needed: 1, takes: of(String),
		make: func(a []argument) (transform, string) {
			if a[0].s == "" || !Token(a[0].s) {
				return nil, "not a name a parameter can have"
			}
			return func(dst, in []byte) []byte {
				if n, err := sip.ParseNameAddr(in); err == nil {
					v, _ := n.Param(a[0].s)
					dst = append(dst, v...)
				}
				return dst
			}, ""
		},
	},
}

func ofURI(name, doc string, out Type, part func([]byte, *sip.URI) []byte) Pipe {
	p := simple(name, doc, anyText, func(dst, in []byte) []byte {
		if u, err := sip.ParseURI(in); err == nil {
			dst = part(dst, &u)
		}
		return dst
	})
	p.out = out
	return p
}

func ofAddress(name, doc string, out Type, part func([]byte, *sip.NameAddr) []byte) Pipe {
	p := simple(name, doc, of(String), func(dst, in []byte) []byte {
		if a, err := sip.ParseNameAddr(in); err == nil && !a.Star {
			dst = part(dst, &a)
		}
		return dst
	})
	p.out = out
	return p
}

// escapePipes write and read the forms in which SIP carries any text.
var escapePipes = []Pipe{
	simple("escape", "Escaped as the user of a URI, RFC 3261 §25.1.", anyText, sip.AppendUserEscaped),
	simple("unescape", "With the escapes of a URI (%41) read.", anyText, sip.AppendUnescaped),
	simple("quote", "As a quoted string, RFC 3261 §25.1.", anyText, appendQuoted),
	simple("unquote", "A quoted string as what it says; any other text as it is.", anyText,
		appendUnquoted),
}

func appendQuoted(dst, in []byte) []byte {
	dst = append(dst, '"')
	for _, c := range in {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func appendUnquoted(dst, in []byte) []byte {
	in = bytes.Trim(in, " \t")
	if len(in) < 2 || in[0] != '"' || in[len(in)-1] != '"' {
		return append(dst, in...)
	}
	in = in[1 : len(in)-1]
	for i := 0; i < len(in); i++ {
		if in[i] == '\\' && i+1 < len(in) {
			i++
		}
		dst = append(dst, in[i])
	}
	return dst
}
