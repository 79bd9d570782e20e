package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Version is which program runs.
type Version struct {
	Version string `json:"version" doc:"Of the module, with the revision it was built from."`
	Go      string `json:"go" doc:"The version of Go."`
	System  string `json:"system" doc:"Operating system and processor: linux/amd64."`
}

// Uptime is since when a server runs.
type Uptime struct {
	Now        time.Time `json:"now" doc:"The server's clock."`
	Since      time.Time `json:"since" doc:"When it was started."`
	Seconds    float64   `json:"seconds" doc:"The time between."`
	Loaded     time.Time `json:"loaded" doc:"When the policy that runs was loaded."`
	Generation int64     `json:"generation" doc:"Policies that ran, that of now included."`
	State      string    `json:"state" doc:"ready or draining."`
}

// Work is what is under way.
type Work struct {
	Listeners    []Listener   `json:"listeners" doc:"Those that are bound."`
	Transactions Transactions `json:"transactions" doc:"Transactions and what hangs on them."`
	Pool         Pool         `json:"pool" doc:"Steps that wait for DNS or a backend."`
	Backends     []Backend    `json:"backends" doc:"With the calls under way."`
	Goroutines   []Goroutines `json:"goroutines" doc:"By what they run, the most numerous first."`
}

// Listener is a socket messages come by.
type Listener struct {
	Transport   string `json:"transport" doc:"udp or tcp."`
	Address     string `json:"address" doc:"What it is bound to."`
	Advertised  string `json:"advertised,omitempty" doc:"What is written instead of the address."`
	Received    uint64 `json:"received" doc:"Messages received."`
	Sent        uint64 `json:"sent" doc:"Messages sent."`
	Errors      uint64 `json:"errors" doc:"Of reading, sending, accepting and dialling."`
	Connections int64  `json:"connections" doc:"Open now."`
	QueueFull   uint64 `json:"queue_full" doc:"Messages refused because a peer does not read."`
}

// Transactions is what is in memory of calls and requests.
type Transactions struct {
	Server   int64 `json:"server" doc:"Server transactions."`
	Client   int64 `json:"client" doc:"Client transactions."`
	Contexts int64 `json:"contexts" doc:"Response contexts, RFC 3261 §16.7."`
	Own      int64 `json:"own" doc:"Requests of our own that wait for a reply."`
}

// Pool is what runs steps that wait.
type Pool struct {
	Jobs    int64  `json:"jobs" doc:"Running now."`
	Most    int64  `json:"most" doc:"So many may: limits.pool."`
	Refused uint64 `json:"refused" doc:"That found it full."`
}

// Goroutines are those that run one thing.
type Goroutines struct {
	Function string `json:"function" doc:"What they were started with."`
	Count    int    `json:"count" doc:"How many."`
}

// Backends are those of the policy.
type Backends struct {
	Backends []Backend `json:"backends" doc:"In the order they were opened."`
}

// Backend is one of the policy. What has no gate – all is in the process – has no calls.
type Backend struct {
	Name     string `json:"name" doc:"In the policy."`
	Driver   string `json:"driver" doc:"What it is: postgres."`
	Location bool   `json:"location,omitempty" doc:"It is a location store."`
	Bindings *int   `json:"bindings,omitempty" doc:"Kept in memory."`
	Gate     *Gate  `json:"gate,omitempty" doc:"What every call of it goes through."`
}

// Gate is what calls of a backend go through.
type Gate struct {
	Breaker  string  `json:"breaker" doc:"closed; open: it is spared; half-open: it is tried."`
	Running  int     `json:"running" doc:"Calls under way, also those nobody waits for any more."`
	Waiting  int     `json:"waiting" doc:"Calls that wait for their turn."`
	Oldest   float64 `json:"oldest_seconds" doc:"Age of the call that runs longest."`
	Calls    uint64  `json:"calls" doc:"All of them."`
	Failures uint64  `json:"failures" doc:"Could not be answered."`
	Timeouts uint64  `json:"timeouts" doc:"Of these, took too long."`
	Refused  uint64  `json:"refused" doc:"Were not made: the breaker was open, or too many waited."`
	Opened   uint64  `json:"opened" doc:"Times the breaker opened."`
}

// Gateways are those of the policy.
type Gateways struct {
	Gateways []Gateway `json:"gateways" doc:"In the order of the policy, by priority."`
}

// Gateway is one of a set.
type Gateway struct {
	Set      string  `json:"set" doc:"Its name in the policy."`
	URI      string  `json:"uri" doc:"As the policy has it."`
	State    string  `json:"state" doc:"up, down, unresolved (no address), drained or disabled."`
	Since    float64 `json:"since_seconds" doc:"Since it went down or came back; 0: it never did."`
	Weight   int     `json:"weight" doc:"Its share."`
	Priority int     `json:"priority" doc:"The lowest number is chosen first."`
	Calls    int64   `json:"calls" doc:"Now."`
	MaxCalls int     `json:"max_calls" doc:"At most; 0: any number."`
	Chosen   uint64  `json:"chosen" doc:"Requests, since the start."`
	Failed   uint64  `json:"failed" doc:"Of these, told against it."`
	Probes   uint64  `json:"probes" doc:"Since the start."`
	Silent   uint64  `json:"probes_failed" doc:"Of these, had no good answer."`
	Answer   float64 `json:"answer_seconds" doc:"How long an answer takes, smoothed; 0: none came."`
}

// GatewayMode says how gateways may be used.
type GatewayMode struct {
	Mode string `json:"mode" doc:"enabled; drained: for dialogs there are; disabled: for nothing."`
}

// Rates are the rows that a number meets.
type Rates struct {
	Rows []RateRow `json:"rows" doc:"The longest prefix first, in the order in which they count."`
}

// RateRow is one of a table of rates.
type RateRow struct {
	Line       int           `json:"line" doc:"In its file or policy; of a database which one it was."`
	Prefix     string        `json:"prefix" doc:"What the number begins with."`
	Priority   int           `json:"priority" doc:"The lowest number comes first."`
	Cost       string        `json:"cost" doc:"In its table's unit; of a priority lowest first."`
	Weight     int           `json:"weight" doc:"How often it is the first of one cost."`
	Strip      int           `json:"strip" doc:"Characters taken off the user of the Request-URI."`
	Add        string        `json:"add" doc:"What is put before it then."`
	Attributes string        `json:"attributes" doc:"A text for the policy."`
	Skipped    string        `json:"skipped" doc:"Why it does not count: group, hours, shorter."`
	Gateways   []RateGateway `json:"gateways" doc:"Of its sets, in their order."`
}

// RateGateway is a gateway of a row.
type RateGateway struct {
	Set   string `json:"set" doc:"Its set."`
	URI   string `json:"uri" doc:"As the policy has it."`
	State string `json:"state" doc:"As of gateways; or full: it has all the calls it may have."`
}

// Tables are those of the policy.
type Tables struct {
	Tables []Table `json:"tables" doc:"In the author's order."`
}

// Refreshed is how many tables will be read.
type Refreshed struct {
	Tables int `json:"tables" doc:"In databases, that will be read."`
}

// Table is one of the policy.
type Table struct {
	Name    string  `json:"name" doc:"In the policy."`
	Kind    string  `json:"kind" doc:"set, map, prefix, cidr, address, cache or lcr."`
	Source  string  `json:"source" doc:"Whence its rows are: policy, a file, backend/table, memory."`
	Rows    int     `json:"rows" doc:"Rows, or keys of a cache."`
	LeftOut int     `json:"left_out" doc:"Rows that can't be meant here and do not count."`
	Age     float64 `json:"age_seconds" doc:"Since the rows were read; 0 of a cache."`
	Version uint64  `json:"version" doc:"Grows from 1 with every change of its rows; 0 of a cache."`
	Failed  uint64  `json:"failed" doc:"How often that failed, and the last good copy stayed."`
	Error   string  `json:"error" doc:"Why it failed, or why changes are not told; empty: neither."`
}

// LogLevel is the level of the log.
type LogLevel struct {
	Level string `json:"level" doc:"debug, info, warn or error."`
}

// Statistics are counters and gauges.
type Statistics struct {
	Statistics []Statistic `json:"statistics" doc:"By name and labels."`
}

// Statistic is one.
type Statistic struct {
	Name   string            `json:"name" doc:"As /metrics has it."`
	Labels map[string]string `json:"labels,omitempty" doc:"What tells series of a name apart."`
	Value  float64           `json:"value" doc:"Of this moment."`
}

// Reload is what became of a policy that was accepted.
type Reload struct {
	Problems   []Problem `json:"problems" doc:"Warnings."`
	Text       string    `json:"text,omitempty" doc:"The problems as people read them."`
	Generation int64     `json:"generation" doc:"Policies that ran, this one included."`
}

// Problem is a diagnostic, as validate writes it.
type Problem struct {
	File     string `json:"file" doc:"Where it is."`
	Line     int    `json:"line" doc:"From 1."`
	Column   int    `json:"column" doc:"From 1, in bytes."`
	End      int    `json:"end_column,omitempty" doc:"Behind the marked text, on the same line."`
	Severity string `json:"severity" doc:"error or warning."`
	Code     string `json:"code" doc:"SE1004, as sipedge doc explains it."`
	Message  string `json:"message" doc:"What is wrong."`
	Hint     string `json:"hint,omitempty" doc:"What may help."`
}

// Drain is what is left to end.
type Drain struct {
	State string  `json:"state" doc:"draining or stopping."`
	Live  int64   `json:"live" doc:"Transactions and messages without a final response yet."`
	Bound float64 `json:"bound_seconds" doc:"How long they may take."`
}

// Bound is an address of record with its bindings.
type Bound struct {
	Location string    `json:"location" doc:"The location store."`
	AOR      string    `json:"aor" doc:"The address of record."`
	Bindings []Binding `json:"bindings" doc:"The first kept first."`
}

// Binding is one of an address of record to a contact.
type Binding struct {
	ID        string    `json:"id" doc:"Of the store, for as long as the binding lives."`
	Contact   string    `json:"contact" doc:"URI."`
	Q         float64   `json:"q" doc:"Preference, 0 to 1."`
	Expires   time.Time `json:"expires" doc:"When it ends."`
	Left      float64   `json:"expires_seconds" doc:"How long that is from now."`
	Modified  time.Time `json:"modified" doc:"When it was registered last."`
	Received  string    `json:"received,omitempty" doc:"URI it came from, when that leads there."`
	Path      string    `json:"path,omitempty" doc:"Path, RFC 3327."`
	UserAgent string    `json:"user_agent,omitempty" doc:"User-Agent."`
	Instance  string    `json:"instance,omitempty" doc:"+sip.instance, RFC 5626."`
	RegID     uint32    `json:"reg_id,omitempty" doc:"reg-id, RFC 5626."`
	Methods   []string  `json:"methods,omitempty" doc:"Allowed by the contact; none: not told."`
	CallID    string    `json:"call_id" doc:"Call-ID of the REGISTER."`
	CSeq      uint32    `json:"cseq" doc:"CSeq of the REGISTER."`
	Listener  string    `json:"listener,omitempty" doc:"It came by: udp:192.0.2.1:5060."`
	Flags     uint32    `json:"flags,omitempty" doc:"Of the policy."`
	Attr      string    `json:"attr,omitempty" doc:"Of the policy."`
}

// Addition is a binding to be.
type Addition struct {
	Contact  string   `json:"contact" doc:"URI."`
	Expires  float64  `json:"expires_seconds,omitempty" doc:"How long it lives; 3600 unless set."`
	Q        *float64 `json:"q,omitempty" doc:"Preference, 0 to 1; 1 unless set."`
	Path     string   `json:"path,omitempty" doc:"Path, RFC 3327."`
	Received string   `json:"received,omitempty" doc:"URI calls are sent to instead."`
}

// Removed is how many bindings are gone.
type Removed struct {
	Removed int `json:"removed" doc:"Bindings."`
}

// Error is what the API answers when it does not do what it was asked for, RFC 9457.
type Error struct {
	Status   int       `json:"status" doc:"Of HTTP."`
	Detail   string    `json:"detail" doc:"What is wrong."`
	Problems []Problem `json:"problems,omitempty" doc:"Of a policy that was refused."`
	Text     string    `json:"text,omitempty" doc:"The problems as people read them."`
}

func (e *Error) Error() string { return e.Detail }

// Series is the name and labels of s as Prometheus writes them.
func (s *Statistic) Series() string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, s.Labels[name]))
	}
	if labels == nil {
		return s.Name
	}
	return fmt.Sprintf("%s{%s}", s.Name, strings.Join(labels, ","))
}
