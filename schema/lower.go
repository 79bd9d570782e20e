package schema

import (
	"strconv"
	"strings"
	"time"
)

// Defaults of Limits, Timers and Overload.
const (
	defaultMessage     = 65535
	defaultConnections = 10_000
	defaultPerSource   = 1_000
	defaultQueue       = 256 << 10
	defaultTransaction = 1_000_000
	defaultBranches    = 12
	defaultAttempts    = 8
	defaultUDPRequest  = 1300 // RFC 3261 §18.1.1
	defaultPool        = 256
	defaultRequests    = 100
	defaultMaxForwards = 70
	defaultBacklog     = 50 // percent
	defaultHandshakes  = 1_000

	defaultMessageTime = 10 * time.Second
	defaultIdle        = 10 * time.Minute
	defaultHandshake   = 5 * time.Second
	defaultAsks        = 5 * time.Second
	defaultSpare       = 30 * time.Second
	defaultBudget      = 2 * time.Second
	defaultSilence     = 30 * time.Second // listen.ping
	defaultUnanswered  = 2                // listen.lost
	defaultRetryAfter  = 10 * time.Second
	defaultT1          = 500 * time.Millisecond
	defaultInviteWait  = 185 * time.Second
	defaultPing        = 30 * time.Second // NATs forget UDP after 30 s at the earliest, as a rule
	defaultLost        = 3

	defaultAdmin = "127.0.0.1:8060"

	defaultDirectory = "https://acme-v02.api.letsencrypt.org/directory"
)

// lower makes a Document of a checked policy and fills in the defaults.
func lower(root *Value, drivers []Driver) *Document {
	log := root.Get("log")
	secrets := root.Get("secrets")
	dns := root.Get("dns")
	doc := &Document{
		Version: int(root.Get("version").N),
		Aliases: root.Get("aliases").Texts(),
		Methods: root.Get("methods").Texts(),
		Timers:  lowerTimers(root.Get("timers")),
		Limits:  lowerLimits(root.Get("limits")),
		Workers: intOr(root.Get("workers"), 0),
		Overload: Overload{
			Backlog:    intOr(root.Get("overload").Get("backlog"), defaultBacklog),
			RetryAfter: durationOr(root.Get("overload").Get("retry_after"), defaultRetryAfter),
		},
		Log: Log{
			Level:  textOr(log.Get("level"), "info"),
			Format: textOr(log.Get("format"), "text"),
		},
		Admin: lowerAdmin(root),
		Deny:  root.Get("deny_targets").Texts(),
		Allow: root.Get("allow_targets").Texts(),
		Secrets: Secrets{
			RouteKey: secrets.Get("route_key").S,
			TagKey:   secrets.Get("tag_key").S,
		},
		Spare: durationOr(root.Get("failed_targets"), defaultSpare), // of "none" it is 0
		DNS: DNS{
			Servers: dns.Get("servers").Texts(),
			Budget:  durationOr(dns.Get("budget"), defaultBudget),
			Prefer:  textOr(dns.Get("prefer"), "ipv4"),
			Stale:   durationOr(dns.Get("serve_stale"), 0),

			Failover: !dns.Has("failover") || dns.Get("failover").B,
		},
		Backends: lowerBackends(root.Get("backends"), drivers),
		Tables:   lowerTables(root.Get("tables"), root.Get("gateways")),
		Users:    root.Get("users"),
		Ping:     lowerPing(root.Get("nat").Get("ping")),
		NATTests: lowerNATTests(root.Get("nat").Get("tests")),
		EndAll:   root.Get("nat").Get("end_with_connection").S == "all",
		Gateways: root.Get("gateways"),
		Routes:   lowerRoutes(root.Get("routes")),
	}
	vars := root.Get("vars")
	for i := range vars.Keys {
		k := &vars.Keys[i]
		doc.Vars = append(doc.Vars, Var{Name: k.Name, Type: k.S, Pos: k.Pos})
	}
	root.Get("domains").Each(func(v *Value) {
		if v.Kind == Map {
			doc.DomainsIn = append(doc.DomainsIn, v.Get("in").Text())
		} else {
			doc.Domains = append(doc.Domains, v.Text())
		}
	})
	certificates := root.Get("certificates")
	for i := range certificates.Keys {
		doc.Certificates = append(doc.Certificates, lowerCertificate(&certificates.Keys[i]))
	}
	root.Get("listen").Each(func(v *Value) { doc.Listen = append(doc.Listen, lowerListen(v)) })
	return doc
}

func lowerAdmin(root *Value) Admin {
	v, socket := root.Get("admin").Get("listen"), root.Get("admin").Get("socket")
	a := Admin{Addr: v.S, Pos: v.Pos, Socket: Text{S: socket.S, Pos: socket.Pos}}
	switch {
	case v.Kind == None:
		a.Addr, a.Pos, a.Default = defaultAdmin, root.Pos, true
	case v.S == "none":
		a.Addr = ""
	}
	return a
}

func lowerListen(v *Value) Listen {
	l := Listen{
		Advertise: v.Get("advertise").S, Path: v.Get("path").S,
		Ping: durationOr(v.Get("ping"), defaultSilence), // of "none" it is 0
		Lost: intOr(v.Get("lost"), defaultUnanswered),
	}
	v.Get("proxy_protocol").Get("from").Each(func(p *Value) { l.Proxies = append(l.Proxies, p.S) })
	v.Get("origins").Each(func(o *Value) { l.Origins = append(l.Origins, o.S) })
	v.Get("certificate").Each(func(c *Value) { l.Certificates = append(l.Certificates, c.S) })
	if d := v.Get("dscp"); d.Kind == Int {
		l.DSCP = strconv.FormatInt(d.N, 10)
	} else {
		l.DSCP = d.S
	}
	for i := range v.Keys {
		switch k := &v.Keys[i]; k.Name {
		case "advertise", "certificate", "dscp", "path", "origins", "ping", "lost",
			"proxy_protocol":
		default:
			l.Transport, l.Addr, l.Pos = k.Name, k.S, k.Value.Pos
		}
	}
	return l
}

func lowerCertificate(k *Key) Certificate {
	c := Certificate{
		Name: k.Name, Cert: k.Get("cert").Text(), Key: k.Get("key").Text(),
		Client: textOr(k.Get("client"), "none"), Pos: k.Pos,
	}
	if a := k.Get("acme"); a.Kind == Map {
		c.ACME = &ACME{
			Domain:    strings.ToLower(a.Get("domain").S),
			Directory: textOr(a.Get("directory"), defaultDirectory), Email: a.Get("email").S,
			CA: a.Get("ca").Text(), HTTP: a.Get("http").S,
		}
	}
	k.Get("ca").Each(func(v *Value) { c.CA = append(c.CA, v.Text()) })
	k.Get("crl").Each(func(v *Value) { c.CRL = append(c.CRL, v.Text()) })
	return c
}

func lowerTimers(v *Value) Timers {
	t := Timers{
		T1:         v.Get("T1").Duration(),
		T2:         v.Get("T2").Duration(),
		T4:         v.Get("T4").Duration(),
		InviteWait: durationOr(v.Get("fr_inv_timer"), defaultInviteWait),
	}
	t1 := t.T1
	if t1 == 0 {
		t1 = defaultT1
	}
	t.FinalWait = durationOr(v.Get("fr_timer"), 64*t1)
	return t
}

func lowerLimits(v *Value) Limits {
	return Limits{
		Message:      sizeOr(v.Get("message"), defaultMessage),
		Connections:  intOr(v.Get("connections"), defaultConnections),
		PerSource:    intOr(v.Get("connections_per_source"), defaultPerSource),
		MessageTime:  durationOr(v.Get("message_time"), defaultMessageTime),
		Idle:         durationOr(v.Get("idle"), defaultIdle),
		Handshake:    durationOr(v.Get("handshake_time"), defaultHandshake),
		Handshakes:   intOr(v.Get("handshakes"), defaultHandshakes),
		Queue:        sizeOr(v.Get("queue"), defaultQueue),
		Transactions: intOr(v.Get("transactions"), defaultTransaction),
		Branches:     intOr(v.Get("branches"), defaultBranches),
		Attempts:     intOr(v.Get("attempts"), defaultAttempts),
		Pool:         intOr(v.Get("pool"), defaultPool),
		Asks:         durationOr(v.Get("asks"), defaultAsks),
		Requests:     intOr(v.Get("requests"), defaultRequests),
		UDPRequest:   sizeOr(v.Get("udp_request"), defaultUDPRequest),
		MaxForwards:  intOr(v.Get("max_forwards"), defaultMaxForwards),
	}
}

func lowerPing(v *Value) *Ping {
	if v.Kind == None {
		return nil
	}
	location, from := v.Get("location"), v.Get("from")
	return &Ping{
		Location: Text{S: location.S, Pos: location.Pos},
		Interval: durationOr(v.Get("interval"), defaultPing),
		CRLF:     v.Get("method").S == "crlf",
		All:      v.Get("bindings").S == "all",
		Lost:     intOr(v.Get("lost"), defaultLost),
		From:     Text{S: from.S, Pos: from.Pos},
	}
}

// defaultNATTests are those that hold of no client which is not behind a NAT, as far as one can
// know.
var defaultNATTests = []string{
	"private_contact", "diff_ip_src_via", "private_via", "diff_port_src_via",
}

func lowerNATTests(v *Value) (names []string) {
	v.Each(func(v *Value) { names = append(names, v.S) })
	if names == nil {
		return defaultNATTests
	}
	return names
}

func lowerRoutes(v *Value) Routes {
	return Routes{
		Request: lowerRules(v.Get("request")),
		Sub:     lowerNamed(v.Get("sub")),
		Branch:  lowerNamed(v.Get("branch")),
		Failure: lowerNamed(v.Get("failure")),
		Reply:   lowerNamed(v.Get("reply")),
		Error:   lowerRules(v.Get("error")),
		Local:   lowerRules(v.Get("local")),
		Startup: lowerSteps(v.Get("startup")),
		Timer:   lowerTimerRoutes(v.Get("timer")),
	}
}

// lowerSteps makes a rule without matches of steps; none of none.
func lowerSteps(v *Value) []Rule {
	if len(v.Items) == 0 {
		return nil
	}
	return []Rule{{Pos: v.Items[0].Pos, Do: steps(v)}}
}

func lowerTimerRoutes(v *Value) []Timer {
	var timers []Timer
	for i := range v.Keys {
		k := &v.Keys[i]
		timers = append(timers, Timer{
			Route: Route{Name: k.Name, Pos: k.Pos, Rules: lowerSteps(k.Get("do"))},
			Every: k.Get("every").Duration(),
		})
	}
	return timers
}

// steps are those of a list.
func steps(v *Value) []Step {
	list := make([]Step, len(v.Items))
	for i := range v.Items {
		k := &v.Items[i].Keys[0]
		list[i] = Step{Kind: k.Name, Args: k.Value, Pos: k.Pos}
	}
	return list
}

func lowerNamed(v *Value) []Route {
	var routes []Route
	for i := range v.Keys {
		k := &v.Keys[i]
		routes = append(routes, Route{Name: k.Name, Pos: k.Pos, Rules: lowerRules(&k.Value)})
	}
	return routes
}

func lowerRules(v *Value) []Rule {
	rules := make([]Rule, len(v.Items))
	for i := range v.Items {
		item := &v.Items[i]
		r := &rules[i]
		r.title = *item.Get("name")
		r.Name, r.Pos = r.title.S, item.Pos
		if m := item.Get("match"); m.Kind == Map && len(m.Keys) > 0 {
			r.Match = m
		}
		r.Do = steps(item.Get("do"))
		item.Get("allow").Each(func(v *Value) {
			check := v.Get("check")
			r.Allow = append(r.Allow, Waiver{check.S, v.Get("reason").S, check.Pos})
		})
	}
	return rules
}

// intOr is the number, or def when there is none.
func intOr(v *Value, def int) int {
	if v.Kind == Int {
		return int(v.N)
	}
	return def
}

// durationOr is the duration, or def when there is none.
func durationOr(v *Value, def time.Duration) time.Duration {
	if v.Kind == None {
		return def
	}
	return v.Duration()
}

// sizeOr is the size, or def when there is none.
func sizeOr(v *Value, def int) int {
	if v.Kind == None {
		return def
	}
	return int(v.Size())
}

// textOr is the text, or def when there is none.
func textOr(v *Value, def string) string {
	if v.Kind == None {
		return def
	}
	return v.S
}
