package enum

import (
	"context"
	"slices"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
)

// Env is what the step is made of.
type Env struct {
	Proxy  Proxy
	Finder Finder        // nil: the step is only looked at
	Args   *schema.Value // passed the Schema
	// Text is a template of the arguments, appended to b for j; nil: there is none.
	Text func(key string) func(b []byte, j *job.Job) []byte
	// Arm is a failure arm of the arguments, or what is done without, given false: an answer.
	Arm func(key string) (arm Arm, given bool)
}

// Arm is taken instead of the rest of a run.
type Arm func(ctx context.Context, j *job.Job, status int) job.Verdict

// Proxy is what the step needs of the proxy core.
type Proxy interface {
	Room(j *job.Job) int
}

// Kind is the action enum.
var Kind = schema.Kind{
	Name: "enum",
	Doc: "Makes the URIs that a telephone number stands for in the DNS the target set, RFC 6116: " +
		"the most preferred the Request-URI, the others branches of a lower q. When there is none the " +
		"arm runs; without it the request is answered 404. Whoever holds the number wrote them: " +
		"they lead where he likes, but to no gateway of the policy, unless the tree is a carrier's own " +
		"(`gateways`).",
	Schema: `{
	// The number, + and 2 to 15 digits, or of an ISN subscriber*domain; the user of the
	// Request-URI unless set.
	number?: #Text
	// Below which name numbers are: e164.arpa unless set, freenum.org for an ISN.
	suffix?: =~"^[A-Za-z0-9_]+([.-]+[A-Za-z0-9_]+)*[.]?$" @says("a domain name","like e164.arpa")
	// Which of its services: sip unless set; voice:sip.
	service?: =~"^[A-Za-z0-9]+(:[A-Za-z0-9-]+)*$" @says("an enumservice","like sip, voice:sip")
	// How a number becomes a name: user unless set; infrastructure: with the label i behind its
	// country code, or with _txt and _ebl behind as many digits, or where, a TXT or EBL record at the
	// label i of the country says, RFC 5527; isn.
	variant?: "user" | "infrastructure" | "infrastructure_txt" | "infrastructure_ebl" | "isn"
	// Whether rules in the form of RFC 2916 count: sip+E2U.
	legacy?: bool
	// Whether numbers may lead to gateways of the policy, as in the private tree of a carrier: a
	// suffix that nobody else writes below, asked of name servers that can be believed. Then its URIs
	// are the policy's words, as the rows of a table are.
	gateways?: bool
	// The sub-route taken when the number stands for nothing, or is none.
	on_none?: #Name
	// The sub-route taken when the DNS can't answer; 503 unless set.
	on_error?: #Name
}`,
	Where:  schema.InRequest | schema.InFailure,
	Ending: schema.Arm,
	Arms:   []string{"on_none", "on_error"},
	Asks:   true,
}

// variants are the words of variant.
var variants = map[string]Variant{
	"": User, "user": User, "infrastructure": Infrastructure, "isn": ISN,
	"infrastructure_txt": ByTXT, "infrastructure_ebl": ByEBL,
}

type step struct {
	proxy           Proxy
	finder          Finder
	number          func(b []byte, j *job.Job) []byte // nil: the user of the Request-URI
	question        Question                          // without Number
	gateways        bool                              // its answers may lead to gateways
	onNone, onError Arm
}

// New makes a step of Kind. It warns of a public tree that may lead to gateways.
func New(e *Env) (_ job.Step, diags schema.Diagnostics) {
	gateways := e.Args.Get("gateways")
	s := &step{
		proxy: e.Proxy, finder: e.Finder, number: e.Text("number"), gateways: gateways.B,
		question: Question{
			Suffix: suffix(e.Args), Variant: variants[e.Args.Get("variant").S],
			Service: strings.ToLower(e.Args.Get("service").S), Legacy: e.Args.Get("legacy").B,
		},
	}
	if s.question.Service == "" {
		s.question.Service = "sip"
	}
	if s.gateways && !Private(e.Args) {
		d := gateways.Problem(schema.PublicTree,
			"whoever holds a number below %s may send requests to the gateways", s.question.Suffix)
		d.Severity, d.Hint = schema.Warning, "`suffix` names a tree of one's own"
		diags = append(diags, d)
	}
	s.onNone, _ = e.Arm("on_none")
	s.onError, _ = e.Arm("on_error")
	return s, diags
}

// suffix is the one of checked arguments, or the usual one, without a dot at the end.
func suffix(args *schema.Value) string {
	switch s := args.Get("suffix").S; {
	case s != "":
		return strings.ToLower(strings.TrimSuffix(s, "."))
	case variants[args.Get("variant").S] == ISN:
		return "freenum.org"
	}
	return "e164.arpa"
}

// public are trees below which the holders of numbers write.
var public = []string{"e164.arpa", "e164.org", "freenum.org", "nrenum.net"}

// Private reports whether checked arguments ask a tree that may lead to gateways, and is none that
// strangers write: the policy answers for what it says.
func Private(args *schema.Value) bool {
	at := "." + suffix(args)
	return args.Get("gateways").B && !slices.ContainsFunc(public, func(tree string) bool {
		return strings.HasSuffix(at, "."+tree)
	})
}

// Waits implements job.Waiter.
func (*step) Waits() bool { return true }

// Run implements job.Step.
func (s *step) Run(ctx context.Context, j *job.Job) (job.Verdict, error) {
	if !j.MayWait {
		return job.Wait, nil
	}
	q := s.question
	q.Number = s.numberOf(j)
	found, err := s.finder.Find(ctx, &q)
	switch {
	case err != nil:
		j.LastError, j.Err = 503, err
		return s.onError(ctx, j, 503), nil
	case len(found) == 0:
		return s.onNone(ctx, j, 404), nil
	}
	room := s.proxy.Room(j)
	j.Targets = j.Targets[:0]
	for i, r := range found {
		t := job.Target{URI: j.Bytes([]byte(r.URI)), Q: q10(r.Rank), Said: !s.gateways}
		switch {
		case i == 0:
			j.Msg.SetRURI(t.URI)
			j.Own = t
		case 1+len(j.Targets) < room:
			j.Targets = append(j.Targets, t)
		}
	}
	return job.Next, nil
}

// q10 is the q, in thousandths, of results of a rank: one less preferred has a tenth less, down to
// a tenth, and then a thousandth.
func q10(rank int) int { return max(1000-100*rank, 100-max(rank-9, 0), 1) }

func (s *step) numberOf(j *job.Job) string {
	if s.number != nil {
		return string(s.number(nil, j))
	}
	if u, ok := j.Msg.RequestURI(); ok {
		return string(u.User)
	}
	return ""
}
