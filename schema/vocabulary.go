package schema

import (
	_ "embed"
	"io/fs"
	"strings"
	"sync"

	"sipedge/schema/internal/shape"
)

//go:embed policy.cue
var policyCUE string

// Place is a set of route types: where an action, matcher field or template field may stand.
type Place uint16

const (
	InRequest Place = 1 << iota
	InBranch
	InFailure
	InReply
	InError
	InLocal
	InStartup
	InTimer
	InSub // only with others: an action for sub-routes alone (return)

	Anywhere = InRequest | InBranch | InFailure | InReply | InError | InLocal | InStartup | InTimer
)

var placeNames = [...]string{
	"request", "branch", "failure", "reply", "error", "local", "startup", "timer", "sub",
}

// String lists the route types as messages name them: "request, failure".
func (p Place) String() string {
	var names []string
	for i, name := range placeNames {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Ending says whether an action ends the run: a static property of it.
type Ending uint8

const (
	Continues  Ending = iota
	Ends              // always
	EndsByArgs        // EndsWhen decides (a 1xx reply continues)
	Arm               // continues, or takes its failure arm, which ends the run
)

// Kind is what the language knows of an action. The names exit, return and
// drop have the meaning of the language: end the run, leave the sub-route,
// silence.
type Kind struct {
	Name     string
	Doc      string // one paragraph; the first sentence stands alone
	Schema   string // CUE of its arguments: `{code!: #Status, reason?: #Text}`
	Where    Place
	Ending   Ending
	EndsWhen func(args *Value) bool // for EndsByArgs
	Arms     []string               // arguments that name a sub-route run instead of the rest
	Calls    []string               // arguments that name a sub-route that comes back; "" the value
	Hooks    map[string]Place       // arguments that name a route of that type (relay: failure)
	Asks     bool                   // may wait for DNS, a backend or the network
}

// Field is what the language knows of a matcher field.
type Field struct {
	Name   string
	Doc    string
	Schema string // CUE of its value, e.g. `#Method | [...#Method]`
	Where  Place
}

// Driver is what the language knows of a driver of backends.
type Driver struct {
	Name   string // the key in a policy
	Doc    string // one line
	Schema string // CUE of its settings, a struct
	Tag    string // the build tag that this program lacks for it; empty: none
	Maker  any    // who makes backends of it, for whom the Document is handed to
}

// Vocabulary is what actions and matchers a policy may use. It is handed down
// by the floors that implement them. It does not change once a policy was
// loaded with it, and is not copied.
type Vocabulary struct {
	Actions []Kind
	Fields  []Field
	// Backends are the drivers of what policies name under `backends`. Without any nothing is
	// said of names.
	Backends []Driver
	// Foreign finds a word of another language in a text and says what is meant by it in a policy.
	Foreign func(text string) (word, here string, found bool)
	// Policies are packages a policy in CUE may import, by folder; nil none.
	Policies fs.FS

	once  sync.Once
	kinds map[string]*Kind
	field map[string]*Field
	root  *shape.Shape // #Policy
}

// compile prepares the vocabulary once. A fragment that is no CUE, or says
// what a shape can't hold, is a mistake in the program: it panics.
func (v *Vocabulary) compile() {
	v.once.Do(func() {
		v.kinds = make(map[string]*Kind, len(v.Actions))
		for i := range v.Actions {
			v.kinds[v.Actions[i].Name] = &v.Actions[i]
		}
		v.field = make(map[string]*Field, len(v.Fields))
		for i := range v.Fields {
			v.field[v.Fields[i].Name] = &v.Fields[i]
		}
		defs, err := shape.Read(v.CUE())
		if err != nil {
			panic("schema: " + err.Error())
		}
		v.root = defs["#Policy"]
	})
}

// nesting are the matchers made of matchers. They are the language's own, also
// where the vocabulary lists them.
var nesting = map[string]string{
	"all": "[...#Match] @some()",
	"any": "[...#Match] @some()",
	"not": "#Match",
}

// CUE returns the whole schema with this vocabulary as the text of one CUE file.
func (v *Vocabulary) CUE() string { return policyCUE + v.fragments() }

func entry(b *strings.Builder, name, doc, schema string) {
	for line := range strings.Lines(doc) {
		b.WriteString("\t// " + strings.TrimSpace(line) + "\n")
	}
	b.WriteString("\t" + name + "?: " + schema + "\n")
}
