package gateway

import (
	"net/netip"
	"time"

	"sipedge/router/data"
	"sipedge/sip"
	"sipedge/sip/resolve"
)

// Algorithm is how one is chosen among gateways of one priority.
type Algorithm uint8

const (
	Weighted   Algorithm = iota // by chance, by weight
	RoundRobin                  // one after the other, by weight
	Hash                        // by the key of a request: weighted rendezvous hashing
	LeastCalls                  // the fewest calls for its weight
	First                       // in order
	Latency                     // of two by chance the one that answers faster
)

var algorithms = map[string]Algorithm{
	"": Weighted, "weighted": Weighted, "round_robin": RoundRobin, "hash": Hash,
	"least_calls": LeastCalls, "first": First, "latency": Latency,
}

// Set is a set of gateways as a policy has it. It is immutable.
type Set struct {
	Name      string
	Algorithm Algorithm

	gateways []*Gateway // by priority
	probe    *probe     // nil: they are not probed
	passive  passive
	slow     time.Duration // slow_start
	turn     *turn         // of RoundRobin
	rings    []ring        // of RoundRobin, by priority
}

// Gateway is a gateway as a policy has it. It is immutable, but for its State.
type Gateway struct {
	URI        []byte
	Weight     int
	Priority   int
	MaxCalls   int       // 0: any number
	Rate       data.Rate // Count 0: any
	Attributes []byte    // for the policy
	*State               // what is known of it
	set        *Set
	hash       uint64        // of URI
	uri        sip.URI       // URI
	addr       netip.Addr    // its host is; invalid: it is a name
	query      resolve.Query // of a name
}

// probe is how gateways are probed.
type probe struct {
	every, timeout      time.Duration
	failures, successes int32
	good                codes
	from                []byte // nil: the server's own
}

// passive is what calls tell.
type passive struct {
	failures int32 // 0: nothing
	bad      codes
	retry    time.Duration
}

// codes are statuses, as ranges.
type codes [][2]int

func (c codes) have(status int) bool {
	for _, r := range c {
		if r[0] <= status && status <= r[1] {
			return true
		}
	}
	return false
}

// goodAnswers are those of a gateway that is there, unless a policy says otherwise.
var goodAnswers = codes{{200, 407}, {409, 479}, {481, 499}}
