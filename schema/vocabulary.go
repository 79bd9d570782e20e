package schema

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

// String lists the route types as messages name them: "request, failure".
func (p Place) String() string { panic("contract") }

// Ending says whether an action ends the run: a static property of it.
type Ending uint8

const (
	Continues  Ending = iota
	Ends              // always
	EndsByArgs        // EndsWhen decides (a 1xx reply continues)
	Arm               // continues, or takes its failure arm, which ends the run
)

// Kind is what the language knows of an action.
type Kind struct {
	Name     string
	Doc      string // one paragraph; the first sentence stands alone
	Schema   string // CUE: the definition of its arguments, e.g. `{code!: #Status, reason?: #Text}`
	Where    Place
	Ending   Ending
	EndsWhen func(args *Value) bool // for EndsByArgs
	Arms     []string               // arguments that name a sub-route run instead of the rest
	Calls    []string               // arguments that name a sub-route that comes back; "": the bare value is the name (route)
	Hooks    map[string]Place       // arguments that name a route of that type (relay: branch, reply, failure)
	Asks     bool                   // may wait for DNS, a backend or the network
}

// Field is what the language knows of a matcher field.
type Field struct {
	Name   string
	Doc    string
	Schema string // CUE of its value, e.g. `#Method | [...#Method]`
	Where  Place
}

// Vocabulary is what actions and matchers a policy may use. It is handed down by the floors that implement them.
type Vocabulary struct {
	Actions []Kind
	Fields  []Field
}
