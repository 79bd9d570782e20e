package vars

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

// ErrFull is a variable, or all of a kind together, that hold as much as they may.
var ErrFull = errors.New("no room for another value of a variable")

// Scope is the variables a policy declares. Templates, matchers and actions
// find them in it while the policy is compiled; then it does not change.
type Scope struct {
	vars []*Var
	used map[*Var]bool
}

// Var is one variable: a slot of the run's store, or of the transaction's.
type Var struct {
	Name string
	Type Type

	scope *Scope
	slot  int
	avp   bool
	pos   schema.Pos
}

// NewScope gives each declared variable its slot.
func NewScope(declared []schema.Var) *Scope {
	s := &Scope{used: map[*Var]bool{}}
	var slots, shared int
	for _, d := range declared {
		v := &Var{Name: d.Name, Type: typeNamed(d.Type), scope: s, pos: d.Pos}
		v.avp = strings.HasPrefix(d.Name, "avp.")
		next := &slots
		if v.avp {
			next = &shared
		}
		v.slot = *next
		*next++
		s.vars = append(s.vars, v)
	}
	return s
}

// Vars is what is declared, in the author's order.
func (s *Scope) Vars() []*Var {
	if s == nil {
		return nil
	}
	return s.vars
}

// Find finds a variable for one who uses it. Not found, the diagnostics say so.
func (s *Scope) Find(name schema.Text) (*Var, schema.Diagnostics) {
	var known []string
	for _, v := range s.Vars() {
		if v.Name == name.S {
			s.used[v] = true
			return v, nil
		}
		known = append(known, v.Name)
	}
	d := schema.Diagnostic{
		Pos: name.Pos, End: name.Pos.Col + len(name.S), Code: schema.UnknownVariable,
	}
	near := schema.Meant(name.S, known)
	d.Message = fmt.Sprintf("the variable %q is not declared%s", name.S, near)
	if near == "" {
		d.Hint = "declare it with its type: `vars: {" + name.S + ": string}`"
	}
	return nil, schema.Diagnostics{d}
}

// Unused warns of variables nobody found: to be asked when all is compiled.
func (s *Scope) Unused() (found schema.Diagnostics) {
	for _, v := range s.Vars() {
		if !s.used[v] {
			found = append(found, schema.Diagnostic{
				Pos: v.pos, End: v.pos.Col + len(v.Name), Code: schema.UnusedVariable,
				Severity: schema.Warning,
				Message:  fmt.Sprintf("nothing uses the variable %q", v.Name),
			})
		}
	}
	return found
}

func isVariable(name string) bool {
	return strings.HasPrefix(name, "var.") || strings.HasPrefix(name, "avp.")
}

func (v *Var) store(j *job.Job) *job.Values {
	if v.avp {
		return j.AVP()
	}
	return &j.Vars
}

var nothing job.Values

// read is the store to read of: one of another policy has nothing to say.
func (v *Var) read(j *job.Job) *job.Values {
	s := v.store(j)
	if s.Scope != v.scope {
		return &nothing
	}
	return s
}

// write is the store to write to; false: it is another policy's.
func (v *Var) write(j *job.Job) (*job.Values, bool) {
	s := v.store(j)
	if s.Scope == nil {
		s.Scope = v.scope
	}
	return s, s.Scope == v.scope
}

// Set replaces all values by the one a text stands for. fits false: it stands
// for none of the variable's type, or is empty, and the variable is unset. The
// text may not be of the store itself. The error is ErrFull.
func (v *Var) Set(j *job.Job, text []byte) (fits bool, err error) {
	s, ok := v.write(j)
	if !ok {
		return false, ErrFull
	}
	n, fits := v.Type.parse(text)
	if !fits {
		s.Unset(v.slot)
		return false, nil
	}
	if !s.Set(v.slot, n, v.Type.kept(text)) {
		return true, ErrFull
	}
	return true, nil
}

// Push adds the value a text stands for on top, as Set. What does not fit
// adds none.
func (v *Var) Push(j *job.Job, text []byte) (fits bool, err error) {
	s, ok := v.write(j)
	if !ok {
		return false, ErrFull
	}
	n, fits := v.Type.parse(text)
	if fits && !s.Push(v.slot, n, v.Type.kept(text)) {
		return true, ErrFull
	}
	return fits, nil
}

// Pop removes the newest value.
func (v *Var) Pop(j *job.Job) { v.read(j).Pop(v.slot) }

// Unset removes all values.
func (v *Var) Unset(j *job.Job) { v.read(j).Unset(v.slot) }

// Int is the number or, of a bool, 0 or 1; depth 0 is the newest value. ok
// false: there is none.
func (v *Var) Int(j *job.Job, depth int) (n int64, ok bool) {
	return v.read(j).Int(v.slot, depth)
}

// Text is the text of a string, URI or address, as Int. It holds until a
// variable is written.
func (v *Var) Text(j *job.Job, depth int) (text []byte, ok bool) {
	return v.read(j).Text(v.slot, depth)
}

// Addr is the address, as Int.
func (v *Var) Addr(j *job.Job, depth int) netip.Addr {
	text, _ := v.Text(j, depth)
	a, _ := sip.ParseAddr(text)
	return a.Unmap()
}

// field is the variable, or an older value of it, as templates take it.
func (v *Var) field(depth int) *Field {
	f := &Field{Name: v.Name, Type: v.Type, Where: schema.Anywhere}
	switch v.Type {
	case Int:
		f.Int = func(j *job.Job) (int64, bool) { return v.Int(j, depth) }
	case Bool:
		f.Bool = func(j *job.Job) (bool, bool) {
			n, ok := v.Int(j, depth)
			return n != 0, ok
		}
	case IP:
		f.Addr = func(j *job.Job) netip.Addr { return v.Addr(j, depth) }
	default:
		f.Append = func(dst []byte, j *job.Job, _ string) []byte {
			text, _ := v.Text(j, depth)
			return append(dst, text...)
		}
	}
	f.fill()
	return f
}
