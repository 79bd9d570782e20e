package table

import (
	"sipedge/schema"
	"sipedge/sip/transport"
)

var peerMatchers = []matcher{{
	Field: schema.Field{
		Name: "peer", Where: inReceived,
		Doc: "Who is at the other end, by the certificate he showed and that was verified: whether " +
			"there is one (true) or not (false), or what it says. san is any of its alternative " +
			"names (sip:example.net, edge.example.net), domain any of its SIP domains, RFC 5922, " +
			"issuer the distinguished name of its CA, fingerprint its SHA-256 in hexadecimal digits.",
		Schema: `bool | #Peer`,
	},
	compile: compilePeer,
}}

// peerParts are what a certificate may be asked for: several texts or one.
var peerParts = map[string]func(*transport.Peer) (several []string, text string){
	"san":         func(p *transport.Peer) ([]string, string) { return p.SAN, "" },
	"domain":      func(p *transport.Peer) ([]string, string) { return p.Domains, "" },
	"issuer":      func(p *transport.Peer) ([]string, string) { return nil, p.Issuer },
	"fingerprint": func(p *transport.Peer) ([]string, string) { return nil, p.Fingerprint },
}

func compilePeer(c *compiler, v *schema.Value) (all []condition) {
	if v.Kind == schema.Bool {
		want := v.B
		return one(cheap, func(f *facts) bool { return (f.Flow.Peer != nil) == want })
	}
	for i := range v.Keys {
		part := peerParts[v.Keys[i].Name]
		t := c.text(&v.Keys[i].Value, how{})
		all = append(all, condition{
			cost: parsed, field: "peer." + v.Keys[i].Name,
			holds: func(f *facts) bool {
				if f.Flow.Peer == nil {
					return false
				}
				several, text := part(f.Flow.Peer)
				if several == nil {
					return text != "" && f.holds(t, text)
				}
				for _, one := range several {
					if f.holds(t, one) {
						return true
					}
				}
				return false
			},
		})
	}
	return all
}

// holds reports whether t holds for s, without a copy of its own.
func (f *facts) holds(t text, s string) bool {
	f.Scratch = append(f.Scratch[:0], s...)
	return t.holds(f, f.Scratch)
}
