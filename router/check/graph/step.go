package graph

import (
	"slices"
	"strings"

	"sipedge/router/action"
	"sipedge/router/check/formula"
	"sipedge/router/check/pattern"
	"sipedge/router/job"
	"sipedge/schema"
)

// Step is an action of a rule, as far as it matters here.
type Step struct {
	Src    *schema.Step
	Run    job.Step      // changes what matchers read; nil: it does not, or it can't be run
	Writes []string      // keys
	Mask   uint64        // of Writes
	Uses   uint64        // keys that its templates read
	Wild   string        // why what it writes can't be known; "" it can
	Fails  *formula.Node // when it fails the run; nil: never, or for reasons that can't be said
	Sub    *List         // called, to come back
	Arms   []*List
	Arm    *formula.Node // when they are taken
	Ends   bool
	Takes  Takes
	Target *Target // what rewrite_uri makes of the Request-URI

	kind  *action.Kind
	texts []keyed // its templates
}

// Takes are the routes that a step names to follow when it has ended the run; nil: none.
type Takes struct{ Branch, Failure, Reply *List }

// of is the one of a type.
func (t *Takes) of(place schema.Place) **List {
	switch place {
	case schema.InBranch:
		return &t.Branch
	case schema.InFailure:
		return &t.Failure
	}
	return &t.Reply
}

// Keep adds the branch and reply routes of a later relay, which may leave those before.
func (t *Takes) Keep(later *Takes) {
	if later.Branch != nil {
		t.Branch = later.Branch
	}
	if later.Reply != nil {
		t.Reply = later.Reply
	}
}

type keyed struct {
	key string
	t   *Text
}

// Text is what the step writes into a key, or nil.
func (s *Step) Text(key string) *Text {
	for _, k := range s.texts {
		if k.key == key {
			return k.t
		}
	}
	return nil
}

// step finds out what an action changes of what matchers read.
func (p *Policy) step(
	src *schema.Step, where schema.Place, f *formula.Formulas, kinds map[string]*action.Kind,
) Step {
	k := kinds[src.Kind]
	s := Step{kind: k, Src: src}
	switch k.Ending {
	case schema.Ends:
		if s.Ends = true; slices.ContainsFunc(k.Arms, src.Args.Has) {
			why := "whether " + src.Kind + " finds a way"
			s.Arm = f.Opaque(why, src.Kind+formula.Show(&src.Args)).Node
		}
	case schema.EndsByArgs:
		s.Ends = k.EndsWhen(&src.Args)
	case schema.Arm:
		s.Arm = armOf(src, f)
	}
	p.World.Paths = p.World.Paths || src.Kind == "add_path"
	s.changes()
	p.prepare(&s, where)
	return s
}

// changes notes what the step writes.
func (s *Step) changes() {
	switch args := &s.Src.Args; s.Src.Kind {
	case "set_user", "prefix":
		s.sets(KeyUser, ReadText(args.S))
	case "strip", "strip_tail":
		s.edits(KeyUser)
	case "set_host":
		s.sets(KeyURI, ReadText(args.S))
	case "set_port":
		s.edits(KeyURI)
	case "rewrite_uri":
		s.edits(KeyUser, KeyURI)
		s.Target = ReadTarget(args.S)
	case "revert_uri":
		s.edits(KeyUser, KeyURI)
	case "next_branches":
		s.edits(KeyUser, KeyURI, KeyHop)
		s.Wild = "which branch next_branches takes"
	case "lookup":
		s.edits(KeyUser, KeyURI, KeyHop)
		s.Wild = "which binding lookup finds"
	case "recurse":
		s.edits(KeyUser, KeyURI, KeyHop)
		s.Wild = "whereto recurse follows"
	case "dispatch":
		s.chooses()
	case "lcr", "next_destination": // which goes on with what lcr found
		s.chooses()
		s.edits(KeyUser)
	case "alias_lookup", "speed_dial", "enum":
		s.edits(KeyUser, KeyURI)
		s.Wild = "what " + s.Src.Kind + " finds"
	case "loose_route":
		s.edits(KeyDirection, "Route", KeyUser, KeyURI)
	case "fix_nat":
		s.edits("Contact", KeyBody)
		s.Wild = "what fix_nat makes of Contact and session description"
	case "rtpengine":
		s.edits(KeyBody)
		s.Wild = "what rtpengine makes of the session description"
	case "force_rport":
		s.edits("Via")
	case "add_header", "set_header", "set", "push":
		for i := range args.Keys {
			s.sets(KeyNamed(args.Keys[i].Name), readValue(&args.Keys[i].Value))
		}
	case "remove_header", "pop", "unset":
		args.Each(func(v *schema.Value) { s.edits(KeyNamed(v.S)) })
	case "authenticate":
		load := args.Get("load")
		for i := range load.Keys {
			s.edits(load.Keys[i].S)
			s.Wild = "what authenticate loads"
		}
	case "query", "check_source_address":
		if into := args.Get("into"); into.Kind == schema.String {
			s.edits(into.S)
			s.Wild = "table " + args.Get("table").S
		}
		if into := args.Get("group_into"); into.Kind == schema.String {
			s.edits(into.S)
			s.Wild = "table " + args.Get("table").S
		}
	}
}

// chooses notes what a step writes that chooses a gateway.
func (s *Step) chooses() {
	s.edits(KeyHop)
	s.Wild = "which gateway " + s.Src.Kind + " chooses"
	if s.Src.Args.Get("rewrite_host").B {
		s.edits(KeyURI)
	}
	if into := s.Src.Args.Get("into"); into.Kind == schema.String {
		s.edits(into.S)
	}
}

func (s *Step) edits(keys ...string) { s.Writes = append(s.Writes, keys...) }

// sets notes that the step writes a text.
func (s *Step) sets(key string, t *Text) {
	s.edits(key)
	s.texts = append(s.texts, keyed{key, t})
}

// prepare makes the step runnable, where it changes something that can be known.
func (p *Policy) prepare(s *Step, where schema.Place) {
	for _, key := range s.Writes {
		s.Mask |= p.bit(key)
		if s.Src.Kind == "pop" {
			p.Popped |= p.bit(key)
		}
	}
	each(&s.Src.Args, func(field string) {
		for _, key := range keysRead(field) {
			s.Uses |= p.bit(key)
		}
		if s.Wild == "" && slices.ContainsFunc(unforeseen, func(name string) bool {
			return strings.HasPrefix(field, name)
		}) {
			s.Wild = "what {" + field + "} says"
		}
	})
	if len(s.Writes) == 0 || s.Wild != "" || s.Arm != nil {
		return
	}
	env := &action.Env{Where: where, Vars: p.Scope, Tables: p.tables}
	s.Run, _ = s.kind.New(env, &s.Src.Args)
	s.Fails = s.failing()
}

// unforeseen are fields that an example has other values of than the request it stands for.
var unforeseen = []string{"auth.", "time.", "last_error", "send_socket", "branch.", "branches."}

// New makes the step anew, to run in another environment.
func (s *Step) New(env *action.Env) job.Step {
	do, _ := s.kind.New(env, &s.Src.Args)
	return do
}

// failing is when a step that edits the Request-URI fails its run.
func (s *Step) failing() *formula.Node {
	switch s.Src.Kind {
	case "prefix", "set_user":
		return s.noUser()
	case "set_host":
		if !s.Text(KeyURI).Constant() {
			return nil
		}
		return named(formula.Scheme, "", "tel")
	case "set_port":
		return named(formula.Scheme, "", "tel")
	case "strip", "strip_tail":
		short := &formula.Atom{
			Slot: formula.Slot{Kind: formula.User}, Text: pattern.Shorter(int(s.Src.Args.N)),
		}
		return formula.OneOf(named(formula.Scheme, ""), formula.Leaf(short))
	}
	return nil
}

// noUser is when a text makes no user: an empty one, or in a tel URI no number; nil: that can't
// be said.
func (s *Step) noUser() *formula.Node {
	t := s.Text(KeyUser)
	none, number := t.Says(pattern.Exact("")), t.Says(pattern.Phone())
	if s.Src.Kind == "prefix" {
		q, ok := pattern.Phone().Within(pattern.Affix{Pre: t.Pre})
		if !ok || !t.Constant() {
			return nil
		}
		slot := formula.Slot{Kind: formula.User}
		none, number = formula.Never, formula.Leaf(&formula.Atom{Slot: slot, Text: q})
	}
	if none == nil || number == nil {
		return nil
	}
	tel := formula.All(named(formula.Scheme, "tel"), number.Not())
	return formula.OneOf(named(formula.Scheme, ""), none, tel)
}

// armOf is when the arm of a step is taken.
func armOf(s *schema.Step, f *formula.Formulas) *formula.Node {
	switch s.Kind {
	case "loose_route":
		if s.Args.Get("verify").S == "none" {
			return named(formula.Routed, formula.NoRoute)
		}
		return named(formula.Routed, formula.Taken...).Not()
	case "authenticate": // who can't be challenged passes
		auth := f.Opaque("who authenticates", s.Kind+formula.Show(&s.Args)).Node
		auth.Lit.Trust = true
		return formula.All(auth.Not(), named(formula.Method, "ACK", "CANCEL").Not())
	case "max_forwards":
		limit := max(1, s.Args.Get("limit").N)
		return formula.Leaf(&formula.Atom{
			Slot: formula.Slot{Kind: formula.MaxForwards},
			Nums: []formula.Bounds{{Min: 0, Max: limit - 1}},
		})
	}
	why := s.Kind
	if t := s.Args.Get("table"); t.Kind == schema.String {
		why = "table " + t.S
	}
	return f.Opaque(why, s.Kind+formula.Show(&s.Args)).Node
}
