package registrar

import (
	"cmp"
	"time"

	"sipedge/schema"
)

// Rules are how a save treats REGISTER requests.
type Rules struct {
	Match                        Match
	Min, Max, Default, Deviation time.Duration
	Clamp                        bool // what is too brief is made Min, not refused
	MaxContacts                  int  // of an address of record; 0: any number
	Evict                        bool // beyond MaxContacts the oldest goes, else the new is refused
	RetryAfter                   time.Duration
	Path                         PathMode
	Received                     ReceivedMode
	Gateways                     bool // a datagram that comes from a gateway's address is a gateway's
}

// Match is by what a Contact is found among the bindings.
type Match uint8

const (
	ByContact  Match = iota // the URI, RFC 3261 §19.1.4
	ByCallID                // and the Call-ID
	ByInstance              // +sip.instance and reg-id where the Contact has one, RFC 5626
)

// PathMode is what is done about Path, RFC 3327.
type PathMode uint8

const (
	PathLazy   PathMode = iota // kept; named in the answer to those who support it
	PathOff                    // kept, never named in the answer
	PathStrict                 // 420 to those who do not support it
)

// ReceivedMode is when the address a REGISTER came from is kept.
type ReceivedMode uint8

const (
	ReceivedAuto ReceivedMode = iota // when the client seems to be behind a NAT
	ReceivedAlways
	ReceivedNever
)

// rulesSchema is the CUE of the arguments of save that are Rules.
const rulesSchema = `
	// By what a Contact is found among the bindings: by its URI, which is so unless set, by URI and
	// Call-ID, or by +sip.instance and reg-id where it has them.
	match?: "contact" | "call_id" | "instance"
	// The least time a binding may ask for, 60s unless set: less is refused with 423.
	min_expires?: #Duration
	// The most it gets, 1d unless set.
	max_expires?: #Duration
	// What it gets when it does not ask, 1h unless set.
	default_expires?: #Duration
	// By how much at most the time is more or less than asked for, at random: phones that came all
	// at once come back one by one.
	expires_deviation?: #Duration
	// Whether a time below min_expires is refused, which is so unless set, or raised to it.
	short_expires?: "refuse" | "clamp"
	// How many bindings an address of record may have, 100 unless set.
	max_contacts?: int & >=1 & <=1000
	// What happens beyond: the request is refused with 503, unless set, or the oldest binding goes.
	on_full?: "refuse" | "evict"
	// When a client that was refused for that may come again, 1m unless set.
	retry_after?: #Duration
	// What of Path (RFC 3327) is answered: the Path to those who support it (lazy), nothing (off),
	// 420 to those who do not (strict). It is kept in any case.
	path?: "lazy" | "off" | "strict"
	// When the address a request came from is kept, to call the client there: when it came over a
	// connection or the client seems to be behind a NAT, unless set, always or never. That of a
	// WebSocket always is.
	received?: "auto" | "always" | "never"
	// Whether gateways of the policy register by UDP: without, a datagram that says to come from one
	// makes no binding that leads there, since anybody can write its source. Nor does what comes from
	// another port of its host in ` + "`allow_targets`" + `, where others stand beside it.
	// ` + "`lookup`" + ` asks the same of those that were kept before, or by others.
	gateways?: bool
`

// Defaults of Rules.
const (
	defaultMin        = time.Minute
	defaultMax        = 24 * time.Hour
	defaultExpires    = time.Hour // RFC 3261 §10.2
	defaultRetryAfter = time.Minute
	defaultContacts   = 100 // each change goes over all of them
)

// rulesOf reads checked arguments.
func rulesOf(args *schema.Value) (*Rules, schema.Diagnostics) {
	r := &Rules{
		Match:       map[string]Match{"call_id": ByCallID, "instance": ByInstance}[args.Get("match").S],
		Min:         durationOr(args, "min_expires", defaultMin),
		Max:         durationOr(args, "max_expires", defaultMax),
		Default:     durationOr(args, "default_expires", defaultExpires),
		Deviation:   args.Get("expires_deviation").Duration(),
		Clamp:       args.Get("short_expires").S == "clamp",
		MaxContacts: cmp.Or(int(args.Get("max_contacts").N), defaultContacts),
		Evict:       args.Get("on_full").S == "evict",
		RetryAfter:  durationOr(args, "retry_after", defaultRetryAfter),
		Path:        map[string]PathMode{"off": PathOff, "strict": PathStrict}[args.Get("path").S],
		Received: map[string]ReceivedMode{
			"always": ReceivedAlways, "never": ReceivedNever,
		}[args.Get("received").S],
		Gateways: args.Get("gateways").B,
	}
	var diags schema.Diagnostics
	wrong := func(key, format string, x ...any) {
		diags = append(diags, args.Get(key).Problem(schema.OutOfRange, format, x...))
	}
	if r.Min > time.Hour {
		wrong("min_expires", "a client may always ask for an hour (RFC 3261 §10.3)")
	}
	switch {
	case r.Max < r.Min && args.Has("max_expires"):
		wrong("max_expires", "max_expires is less than min_expires, %v", r.Min)
	case args.Has("default_expires") && (r.Default < r.Min || r.Default > r.Max):
		wrong("default_expires", "default_expires is not within %v and %v", r.Min, r.Max)
	}
	r.Default = min(max(r.Default, r.Min), r.Max)
	return r, diags
}

func durationOr(args *schema.Value, key string, def time.Duration) time.Duration {
	if v := args.Get(key); v.Kind == schema.String {
		return v.Duration()
	}
	return def
}

// grant is how long a binding lives that asks for so many seconds; -1: it does not ask. ok false:
// that is too brief. random is of 0 to n-1.
func (r *Rules) grant(asked int64, random func(n int64) int64) (d time.Duration, ok bool) {
	switch {
	case asked == 0:
		return 0, true
	case asked < 0:
		d = r.Default
	default:
		d = time.Duration(min(asked, mostSeconds)) * time.Second
	}
	if d < r.Min {
		if !r.Clamp {
			return 0, false
		}
		d = r.Min
	}
	d = min(d, r.Max)
	if spread := int64(r.Deviation / time.Second); spread > 0 {
		d += time.Duration(random(2*spread+1)-spread) * time.Second
	}
	return min(max(d, r.Min), r.Max), true
}

const mostSeconds = 1 << 31 // a time.Duration holds it
