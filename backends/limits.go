package backends

import (
	"time"

	"sipedge/schema"
)

// Limits bound what a backend may cost those who ask it.
type Limits struct {
	Timeout  time.Duration // of a call, the wait for its turn included
	Calls    int           // at once
	Waiting  int           // that wait for their turn; more are refused
	Failures int           // in a row that open the breaker; 0: no number does
	Share    int           // percent of failures in the last 64 calls that opens it; 0: none does
	Rest     time.Duration // the breaker stays open before it lets probes through
	Probes   int           // that must succeed before it closes
}

// DefaultLimits are those of a policy that names none.
var DefaultLimits = Limits{
	Timeout:  2 * time.Second,
	Calls:    8,
	Waiting:  256,
	Failures: 5,
	Share:    50,
	Rest:     time.Second,
	Probes:   1,
}

// DatabaseCUE are settings of every driver of databases, as fields of its Schema: those of
// LimitsCUE, and where subscribers are.
const DatabaseCUE = `
	// Where users are, for what names the backend under users.
	subscriber?: ` + SubscriberCUE + LimitsCUE

// LimitsCUE are what LimitsOf reads, as fields of a Schema.
const LimitsCUE = `
	// How long a call may take, the wait for its turn included: 2s.
	timeout?: #Duration
	// Calls at once, each with a connection of its own: 8.
	max_connections?: int & >=1 & <=10000
	// Calls that wait for their turn: 256. More are refused.
	max_waiting?: int & >=0 & <=1000000
	// When the backend is spared: calls are refused at once until it answers again.
	breaker?: {
		// Failures in a row that open it: 5; 0 no number does.
		failures?: int & >=0 & <=1000
		// Percent of failures in the last 64 calls that opens it: 50; 0 none does.
		share?: int & >=0 & <=100
		// How long it stays open before it tries again: 1s.
		rest?: #Duration
		// Tries that must succeed before it closes: 1.
		probes?: int & >=1 & <=100
	}
`

// LimitsOf reads the settings of LimitsCUE; what is absent is as DefaultLimits has it.
func LimitsOf(settings *schema.Value) Limits {
	l := DefaultLimits
	breaker := settings.Get("breaker")
	for _, s := range []struct {
		v  *schema.Value
		to *int
	}{
		{settings.Get("max_connections"), &l.Calls},
		{settings.Get("max_waiting"), &l.Waiting},
		{breaker.Get("failures"), &l.Failures},
		{breaker.Get("share"), &l.Share},
		{breaker.Get("probes"), &l.Probes},
	} {
		if s.v.Kind == schema.Int {
			*s.to = int(s.v.N)
		}
	}
	if v := settings.Get("timeout"); v.Kind == schema.String {
		l.Timeout = v.Duration()
	}
	if v := breaker.Get("rest"); v.Kind == schema.String {
		l.Rest = v.Duration()
	}
	return l
}
