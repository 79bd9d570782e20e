package sip

// NameAddr is a name-addr or addr-spec with its header parameters, as in
// From, To, Contact, Route (RFC 3261 §20.10). Slices are views.
type NameAddr struct {
	Display []byte // as written, quotes included; nil: none
	URI     []byte
	Params  []byte // header parameters from the first ';' on
	Star    bool   // Contact: *
}

// ParseNameAddr reads one element.
func ParseNameAddr(b []byte) (NameAddr, error) { panic("contract") }

// Param returns a header parameter's value, quotes kept.
func (a *NameAddr) Param(name string) (value []byte, ok bool) { panic("contract") }

// Tag is the tag parameter, or nil.
func (a *NameAddr) Tag() []byte { panic("contract") }

// Q is the q parameter in thousandths, 0–1000; ok false: absent or malformed.
func (a *NameAddr) Q() (q int, ok bool) { panic("contract") }

// Param finds name in a parameter list such as Params of NameAddr, URI and ViaValue.
func Param(params []byte, name string) (value []byte, ok bool) { panic("contract") }
