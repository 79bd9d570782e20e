// Package exit is the exit codes of sipedge, and errors that carry one.
// Its one law: a code means the same in every command.
package exit

// Exit codes.
const (
	Fine        = 0
	Problems    = 1 // problems found
	Usage       = 2
	Unreachable = 3 // cannot read or reach
	Refused     = 4 // by the server
	Bug         = 70
)

// Codes tells them in the help of a command.
const Codes = `Exit codes: 0 fine · 1 problems found · 2 usage · 3 cannot read or reach ·
4 refused by the server · 70 a bug in sipedge.`

// Error is an error with its exit code. Err nil: all has been said.
type Error struct {
	Code int
	Err  error
}

// With gives err an exit code; err nil: all has been said.
func With(code int, err error) error { return &Error{code, err} }

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
