package alias

import (
	"context"
	"fmt"

	"sipedge/backends"
	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// Lookup is the action alias_lookup.
var Lookup = schema.Kind{
	Name: "alias_lookup",
	Doc: "Makes the user whom an alias stands for the Request-URI: a row of the table dbaliases. " +
		"With `branches` every further row adds a branch. When the Request-URI is no alias the arm " +
		"runs; without it the request is answered 404.",
	Schema: `{
	// The database.
	backend!: #BackendName
	// The table, dbaliases unless set.
	table?: #SQLTable
	// Whether aliases of one name are told apart by their domain, which is so unless set.
	use_domain?: bool
	// Whether an alias stands for all its rows, or for the first alone, which is so unless set.
	branches?: bool
	// The sub-route taken when it is no alias.
	on_none?: #Name
	// The sub-route taken when the database can't answer; 503 unless set.
	on_error?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none", "on_error"},
	Asks:   true,
}

type lookup struct {
	asking
	proxy     Proxy
	aliases   backends.Aliases
	useDomain bool
	all       bool
}

// NewLookup makes a step of Lookup.
func NewLookup(e *Env) (job.Step, schema.Diagnostics) {
	db, a, diags := e.database()
	use := e.Args.Get("use_domain")
	return &lookup{
		asking: a, proxy: e.Proxy, aliases: backends.AliasesOf(db, e.Args.Get("table").S),
		useDomain: use.Kind == schema.None || use.B, all: e.Args.Get("branches").B,
	}, diags
}

func (s *lookup) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if !j.MayWait {
		return job.Wait, nil
	}
	a, ok := addressOf(j.Msg.RURI())
	if !ok {
		return s.onNone(ctx, j, 404), nil
	}
	domain := a.Domain
	if !s.useDomain {
		domain = ""
	}
	rows, err := s.aliases.Alias(ctx, a.User, domain)
	if err != nil {
		return s.answer(ctx, j, err), nil
	}
	if !s.all {
		rows = rows[:1]
	}
	for i, row := range rows {
		uri := appendURI(nil, row, a.Domain)
		if !usable(uri) {
			return job.Next, fmt.Errorf("alias %s: %q is not a URI a request can go to", a.User, uri)
		}
		if i == 0 {
			j.Msg.SetRURI(uri)
		} else if !s.proxy.Append(j, job.Target{URI: j.Bytes(uri), Q: 1000}) {
			break // as many as may be
		}
	}
	return job.Next, nil
}

// appendURI appends the URI of a user; of one without domain in another.
func appendURI(dst []byte, a backends.Address, other string) []byte {
	domain := a.Domain
	if domain == "" {
		domain = other
	}
	dst = sip.AppendUserEscaped(append(dst, "sip:"...), []byte(a.User))
	return sip.AppendHost(append(dst, '@'), []byte(domain))
}
