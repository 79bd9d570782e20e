package schema

// Severity of a diagnostic.
type Severity uint8

const (
	Error Severity = iota
	Warning
)

// Diagnostic is one mistake, told once.
type Diagnostic struct {
	Pos      Pos
	End      int // column behind the marked text, same line; 0: one character
	Severity Severity
	Code     Code
	Message  string
	Hint     string // at most one; "" none
}

// Code is a stable number: 1004 prints as SE1004. Codes are never reused. Ranges: 1xxx reading and shape, 2xxx listeners and
// services, 3xxx routes, 4xxx values, templates and fields.
type Code int

// Diagnostics in the order of their places.
type Diagnostics []Diagnostic

// HasErrors reports whether one of them is an Error.
func (d Diagnostics) HasErrors() bool {
	for i := range d {
		if d[i].Severity == Error {
			return true
		}
	}
	return false
}

// Source gives the text of the author's files back, for the quoted line. The loader fills it.
type Source map[string][]byte
