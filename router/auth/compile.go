package auth

import (
	"slices"
	"time"

	"sipedge/backends"
	"sipedge/router/data"
	"sipedge/schema"
	"sipedge/sip/digest"
)

// Schema is what a policy says of a Check, in CUE, with what the step makes of the result.
const Schema = `{
	// www: 401 and Authorization, as registrars ask. proxy, unless set: 407 and
	// Proxy-Authorization.
	kind?: "www" | "proxy"
	// Who may: one of the users of the policy, or a backend. Either this or password is given.
	users?: #UsersName
	// The password of whoever asks, for policies that find it themselves; where it comes to
	// nothing there is no such user.
	password?: #Text
	// The realm; the host of To of a REGISTER, else of From, unless set.
	realm?: #Text
	// The domain that tells users of one name apart; none unless set.
	domain?: #Text
	// The user it must be; else 403. Unless set, the user of To of a REGISTER, else of From.
	require_user?: #Text
	// Whether it must be that user at all, true.
	identity?: bool
	// A database whose table uri has what else users may be called: the user it must be, or
	// require_user, is a uri_user of theirs. Nothing unless set.
	identities?: #BackendName
	// That table, uri unless set.
	identities_table?: #SQLTable
	// Columns of the row of who authenticated, and the variables that get their values; a value
	// that is none of the type unsets.
	load?: [#SQLColumn]: #VarName
	// What responses may be made by, each a challenge, strongest first. Unless set, what all
	// users of the policy have hashes for; MD5 for those of a backend.
	algorithms?: [#DigestAlgorithm, ...#DigestAlgorithm]
	// What is covered: the request line (auth, unless set), the body too (auth-int), or as the
	// client likes (both).
	qop?: "auth" | "auth-int" | "both"
	// Whether credentials without qop do, RFC 2069; each nonce serves once then. false.
	rfc2069?: bool
	// How long a nonce is good, 30s; at most 1h.
	nonce_expire?: #Duration
	// Whether the URI of the credentials may be another than the Request-URI, for clients behind
	// what changes it. false.
	any_uri?: bool
	// How many wrong passwords a user may send from one network: an IPv4 address, or 64 bits of
	// IPv6. 10/1m.
	tries?: #Rate
	// How long a user that a backend has found is not asked for again. Unless set, each time.
	cache_ttl?: #Duration
	// How many of them are kept, 10000; any other goes.
	cache_max?: int & >=1 & <=10000000
	// The sub-route taken when the credentials are wrong, or somebody else's. Who has sent none,
	// or too old ones, is challenged all the same.
	on_fail?: #Name
	// The sub-route taken when the backend does not answer.
	on_error?: #Name
}`

// Env is what steps are compiled against.
type Env struct {
	Guard  *Guard // nil: nothing will run
	Host   string // the realm of who names no host
	Inline map[string]*Inline
	// Backend finds a backend by name; nil, or what it returns: there is none.
	Backend func(name string, columns ...string) backends.Subscribers
	// Database finds a database, likewise.
	Database func(name string) backends.DB
}

// ReadInline reads all `users` of a policy.
func ReadInline(v *schema.Value) (map[string]*Inline, schema.Diagnostics) {
	all, diags := map[string]*Inline{}, schema.Diagnostics(nil)
	for i := range v.Keys {
		u, found := ReadUsers(&v.Keys[i].Value)
		all[v.Keys[i].Name] = u
		diags = append(diags, found...)
	}
	return all, diags
}

// Defaults of Schema.
const (
	defaultExpire   = 30 * time.Second
	maxExpire       = time.Hour
	defaultCacheMax = 10_000
	maxTried        = 100_000 // users and networks whose tries are counted
)

var defaultTries = data.Rate{Count: 10, Period: time.Minute}

// Compile makes the Check of a step. rate reads a #Rate.
func Compile(args *schema.Value, env *Env, rate func(s string) (data.Rate, error)) (
	*Check, schema.Diagnostics,
) {
	var diags schema.Diagnostics
	tries := defaultTries
	if v := args.Get("tries"); v.Kind == schema.String {
		var err error
		if tries, err = rate(v.S); err != nil {
			diags = append(diags, v.Problem(schema.OutOfRange, "%v", err))
			tries = defaultTries
		}
	}
	c := &Check{
		Guard: env.Guard, Proxy: args.Get("kind").S != "www", Old: args.Get("rfc2069").B,
		AnyURI: args.Get("any_uri").B, Expire: defaultExpire, QOP: digest.Auth,
		Tries: data.NewLimiter(tries, tries.Count, maxTried, 0),
	}
	switch args.Get("qop").S {
	case "auth-int":
		c.QOP = digest.AuthInt
	case "both":
		c.QOP = digest.Auth | digest.AuthInt
	}
	if v := args.Get("nonce_expire"); v.Kind == schema.String {
		if c.Expire = v.Duration(); c.Expire < time.Second || c.Expire > maxExpire {
			diags = append(diags, v.Problem(schema.OutOfRange, "%s is out of range (1s to 1h)", v.S))
		}
	}
	args.Get("algorithms").Each(func(v *schema.Value) {
		c.Algorithms = append(c.Algorithms, digest.LookupAlgorithm([]byte(v.S)))
	})
	return c, append(diags, c.users(args, env)...)
}

// users finds who may authenticate, and by what.
func (c *Check) users(args *schema.Value, env *Env) schema.Diagnostics {
	name := args.Get("users")
	load := args.Get("load")
	var columns []string
	for i := range load.Keys {
		columns = append(columns, load.Keys[i].Name)
	}
	able := []digest.Algorithm{digest.MD5}
	inline := env.Inline[name.S]
	switch {
	case args.Has("users") == args.Has("password"):
		return schema.Diagnostics{args.Problem(schema.NotOneKey,
			"authenticate takes either users or a password")}
	case columns != nil && (inline != nil || !args.Has("users")):
		return schema.Diagnostics{load.Problem(schema.BadValue,
			"only users of a backend have columns")}
	case !args.Has("users"): // the step has the password
		able = []digest.Algorithm{digest.SHA512256, digest.SHA256, digest.MD5}
	case inline != nil:
		c.Users, able = inline, inline.Able()
	case env.Backend == nil && env.Guard == nil: // it is only looked at, and nobody says
	case env.Backend == nil || env.Backend(name.S) == nil:
		return schema.Diagnostics{name.Problem(schema.WrongBackend,
			"there are no users %q, and there is no backend of that name that has users", name.S)}
	default:
		most := defaultCacheMax
		if v := args.Get("cache_max"); v.Kind == schema.Int {
			most = int(v.N)
		}
		c.Users = NewStored(env.Backend(name.S, columns...), args.Get("cache_ttl").Duration(), most)
	}
	if c.Algorithms == nil {
		c.Algorithms = able
	}
	slices.SortFunc(c.Algorithms, func(a, b digest.Algorithm) int { return int(b) - int(a) })
	c.Algorithms = slices.Compact(c.Algorithms)
	for _, a := range c.Algorithms {
		if inline != nil && !slices.Contains(able, a.Hash()) {
			return schema.Diagnostics{args.Get("algorithms").Problem(schema.BadValue,
				"not all users of %q have a hash for %s", name.S, a)}
		}
	}
	if len(c.Algorithms) == 0 {
		return schema.Diagnostics{name.Problem(schema.BadValue,
			"the users of %q have no kind of hash in common", name.S)}
	}
	return nil
}
