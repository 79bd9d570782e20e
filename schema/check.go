package schema

import (
	"net/netip"
	"time"
)

// shortest is the shortest time between two runs of a timer.
const shortest = 100 * time.Millisecond

// Bounds of the interval of pings: more often is a burden on who has a battery, more seldom keeps
// no NAT open.
const (
	leastPing = 5 * time.Second
	mostPing  = time.Hour
)

// checkSettings checks what stands outside the routes.
func checkSettings(root *Value, doc *Document) Diagnostics {
	var diags Diagnostics
	listen := map[string]Pos{}
	for i := range root.Get("listen").Items {
		l := &doc.Listen[i]
		v := root.Get("listen").Items[i].Get(l.Transport)
		diags = append(diags, checkWebSocket(l, &root.Get("listen").Items[i])...)
		if l.Proxies != nil && (l.Transport == "udp" || l.Transport == "sctp") {
			diags = append(diags, root.Get("listen").Items[i].Get("proxy_protocol").Problem(UnknownKey,
				"the PROXY protocol is of TCP and what is over it, and this listener is of %s",
				l.Transport))
		}
		diags = append(diags, checkShown(l, &root.Get("listen").Items[i])...)
		addr, err := netip.ParseAddrPort(l.Addr)
		if err != nil || addr.Port() == 0 {
			continue
		}
		key := l.Transport + ":" + addr.String()
		if first, dup := listen[key]; dup {
			diags = append(diags, v.Problem(DuplicateListener,
				"%s %s is listened on twice; first in line %d", l.Transport, l.Addr, first.Line))
			continue
		}
		listen[key] = l.Pos
	}
	limits := root.Get("limits")
	if v := limits.Get("message"); v.Kind != None && (v.Size() > 65535 || v.Size() < 512) {
		diags = append(diags, v.Problem(OutOfRange, "%s is out of range (512 to 65535 bytes)",
			v.Show()))
	}
	if doc.Limits.PerSource > doc.Limits.Connections &&
		limits.Has("connections_per_source") {
		v := limits.Get("connections_per_source")
		diags = append(diags, v.Problem(OutOfRange,
			"more connections of one source (%d) than connections (%d)",
			doc.Limits.PerSource, doc.Limits.Connections))
	}
	doc.Limits.PerSource = min(doc.Limits.PerSource, doc.Limits.Connections)
	ping := root.Get("nat").Get("ping").Get("interval")
	if d := ping.Duration(); ping.Kind != None && (d < leastPing || d > mostPing) {
		diags = append(diags, ping.Problem(OutOfRange, "%q is out of range (5s to 1h)", ping.S))
	}
	timers := root.Get("routes").Get("timer")
	for i := range timers.Keys {
		if v := timers.Keys[i].Get("every"); v.Duration() < shortest {
			diags = append(diags, v.Problem(OutOfRange, "a timer runs at most every %v, not every %s",
				shortest, v.S))
		}
	}
	return diags
}

// checkWebSocket refuses what only a WebSocket has elsewhere.
func checkWebSocket(l *Listen, v *Value) (diags Diagnostics) {
	if l.Transport == "ws" || l.Transport == "wss" {
		return nil
	}
	for _, key := range []string{"path", "origins", "ping", "lost"} {
		if v.Has(key) {
			diags = append(diags, v.Get(key).Problem(UnknownKey,
				"%q is of a WebSocket, and this listener is of %s", key, l.Transport))
		}
	}
	return diags
}

// checkShown refuses a secure listener without a certificate, and another with one.
func checkShown(l *Listen, v *Value) Diagnostics {
	secure := l.Transport == "tls" || l.Transport == "wss"
	switch shows := len(l.Certificates) > 0; {
	case secure && !shows:
		d := v.Get(l.Transport).Problem(NoCertificate, "a listener of %s shows a certificate",
			l.Transport)
		d.Hint = "name one of `certificates` with certificate: …"
		return Diagnostics{d}
	case shows && !secure:
		return Diagnostics{v.Get("certificate").Problem(NoCertificate,
			"only a listener of tls or wss shows a certificate, and this one is of %s", l.Transport)}
	}
	return nil
}
