package schema

import (
	"fmt"
	"time"
)

// Document is a policy that passed every check of this package: plain data, with positions.
type Document struct {
	Version int
	Files   []string
	Listen  []Listen
	// Certificates are in the order written.
	Certificates []Certificate
	Domains      []Text // what `myself` means, with listeners' addresses and aliases
	DomainsIn    []Text // tables of more of them
	Aliases      []Text // host or host:port
	Methods      []Text // extension methods
	Timers       Timers
	Limits       Limits
	Overload     Overload
	Workers      int // 0: one a core
	Log          Log
	Admin        Admin
	Deny         []Text // deny_targets: CIDRs no message may lead to
	Allow        []Text // allow_targets: CIDRs exempt from that, gateways of the policy not
	Secrets      Secrets
	DNS          DNS
	Spare        time.Duration // failed_targets; 0: not at all
	Vars         []Var         // in the author's order
	Backends     []Backend     // in the author's order
	Tables       []Table       // in the author's order
	Users        *Value        // a map of maps, by name and user
	Ping         *Ping         // nat.ping; nil: nobody is pinged
	NATTests     []string      // nat.tests
	EndAll       bool          // nat.end_with_connection is all
	Gateways     *Value        // a map of sets, by name
	Routes       Routes
}

// Var declares a variable.
type Var struct {
	Name string // var.x: of one run; avp.x: of the transaction
	Type string // string int bool uri ip
	Pos  Pos    // of the name
}

type Listen struct {
	Transport string // udp, tcp …
	Addr      string // host:port, the host an IP address
	Advertise string
	DSCP      string        // a name or a number; "" unset
	Proxies   []string      // proxy_protocol.from: CIDRs
	Path      string        // of ws; "": /
	Origins   []string      // of ws; nil: that of the listener
	Ping      time.Duration // of ws: when a client is silent; 0: never
	Lost      int           // of ws: pings without an answer
	// Certificates are names, of a secure transport.
	Certificates []string
	Pos          Pos
}

// Certificate is what secure listeners show, and whom they trust. Files are as written.
type Certificate struct {
	Name      string
	Cert, Key Text
	ACME      *ACME // nil: it is in files
	CA, CRL   []Text
	Client    string // none, request, require
	Pos       Pos    // of the name
}

// ACME is a CA, and what it is asked for.
type ACME struct {
	Domain, Directory, Email string
	CA                       Text   // a file; "": whom the system trusts
	HTTP                     string // host:port; "": the proof is by TLS
}

type Timers struct {
	T1, T2, T4 time.Duration // 0: RFC 3261's
	FinalWait  time.Duration // fr_timer, default 32 s
	InviteWait time.Duration // fr_inv_timer, default 185 s
}

// Limits on what an outsider controls; defaults are filled in.
type Limits struct {
	Message      int           // message: bytes of one message, at most 65535
	Connections  int           // connections: open at once
	PerSource    int           // connections_per_source
	MessageTime  time.Duration // message_time: from a message's first byte to its last, on a stream
	Idle         time.Duration // idle: a connection without traffic or bindings
	Handshake    time.Duration // handshake_time: of a connection that was accepted
	Handshakes   int           // handshakes: under way at once
	Queue        int           // queue: bytes waiting to be written to one connection
	Transactions int           // transactions: live at once
	Branches     int           // branches: of one request, default 12
	Attempts     int           // attempts: failure routes of one transaction, default 8
	Pool         int           // pool: steps that wait for DNS or a backend at once
	Asks         time.Duration // asks: the longest such a step may take
	Requests     int           // requests: of the router's own without an answer yet, default 100
	UDPRequest   int           // udp_request: bytes above which TCP is tried first, default 1300
	MaxForwards  int           // max_forwards: written when absent, default 70
}

// Overload is when new requests are refused.
type Overload struct {
	Backlog    int           // backlog: percent of the receive queue, default 50
	RetryAfter time.Duration // retry_after: default 10 s
}

type Log struct{ Level, Format string } // debug info warn error; text json

// Admin is the listener of metrics and health, and the socket of operators' commands.
type Admin struct {
	Addr    string // "" none
	Pos     Pos    // of the address; where the policy begins, of the default
	Default bool   // 127.0.0.1:8060, as nothing is set
	Socket  Text   // a file, relative to the policy's; "none"; "": the default
}

// Secrets as the author wrote them: hex or text, ${env.NAME} or ${file:/path};
// "" kept in the state folder or made at start.
type Secrets struct{ RouteKey, TagKey string }

type DNS struct {
	Servers []Text // an IP address, with a port or without
	Budget  time.Duration
	Prefer  string        // ipv4, ipv6, ipv4_only or ipv6_only
	Stale   time.Duration // serve_stale; 0: not at all
	// Failover: of relays that say nothing of it.
	Failover bool
}

// Ping is nat.ping; defaults are filled in.
type Ping struct {
	Location Text
	Interval time.Duration // interval, default 30 s
	CRLF     bool          // method: crlf
	All      bool          // bindings: all
	Lost     int           // lost, default 3
	From     Text          // "" the first domain
}

// Routes of every type built so far. Names keep the author's order.
type Routes struct {
	Request []Rule
	Sub     []Route
	Branch  []Route
	Failure []Route
	Reply   []Route
	Error   []Rule
	Local   []Rule
	Startup []Rule // one at most, without matches
	Timer   []Timer
}

// Timer is a route that runs every so often: one rule, without matches.
type Timer struct {
	Route
	Every time.Duration
}

type Route struct {
	Name   string
	Pos    Pos
	Places Place // route types it runs in: a sub-route in all its callers'; 0 in none
	Rules  []Rule
}

type Rule struct {
	Name  string // "" when the author gave none
	Pos   Pos
	Match *Value // nil: always
	Do    []Step
	Allow []Waiver

	title Value // Name with its place
}

// Problem is an Error that marks the name of the rule, or where it begins.
func (r *Rule) Problem(code Code, format string, args ...any) Diagnostic {
	if r.Name == "" {
		return Diagnostic{Pos: r.Pos, Code: code, Message: fmt.Sprintf(format, args...)}
	}
	return r.title.Problem(code, format, args...)
}

// Waiver takes back what a check of package router/check finds in its rule.
type Waiver struct {
	Check, Reason string
	Pos           Pos // of the name of the check
}

// Step is one action with its arguments, already checked against the kind's definition.
type Step struct {
	Kind string
	Args Value
	Pos  Pos // of the key
}
