package vars

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"sipedge/router/job"
	"sipedge/schema"
)

// Pipe turns one value into another: "{ruri.user | strip(1)}". It never fails:
// what it cannot read gives nothing. Of nothing a pipe makes nothing, but for
// default and len.
type Pipe struct {
	Name string
	Args string // as they are written behind the name: "(n)"; "" none
	Doc  string // a sentence

	params []param
	needed int // of params
	takes  types
	out    Type
	bare   bool // is run for nothing, too
	// make compiles the arguments; why is what is wrong with them.
	make func(args []argument) (run transform, why string)
}

// transform appends what becomes of in. It keeps nothing of in.
type transform func(dst, in []byte) []byte

// types is a set of Type.
type types uint8

func of(list ...Type) (set types) {
	for _, t := range list {
		set |= 1 << t
	}
	return set
}

var (
	anyText = of(String, URI)
	scalar  = of(String, URI, IP, Int)
	anyType = of(String, URI, IP, Int, Bool)
)

func (s types) has(t Type) bool { return s&(1<<t) != 0 }

// param is how an argument is read.
type param uint8

const (
	aText param = iota
	aNumber
	aCount // a number that is not negative
	aRegex
)

// argument is one that was read.
type argument struct {
	s  string
	n  int
	re *regexp.Regexp
}

// Pipes is the registry, sorted by name.
func Pipes() []Pipe { return append([]Pipe(nil), pipes...) }

func pipeNamed(name string) *Pipe {
	for i := range pipes {
		if pipes[i].Name == name {
			return &pipes[i]
		}
	}
	return nil
}

// expr is a field through pipes.
type expr struct {
	field *Field
	arg   string
	typ   Type
	pipes []stage
}

type stage struct {
	run  transform
	bare bool
}

// between are buffers for what goes from pipe to pipe.
type between struct{ a, b []byte }

var betweens = sync.Pool{New: func() any { return new(between) }}

// maxBetween is the most a pooled buffer keeps, in bytes.
const maxBetween = 64 << 10

func (v *expr) append(dst []byte, j *job.Job) []byte {
	if len(v.pipes) == 0 {
		return v.field.Append(dst, j, v.arg)
	}
	w := betweens.Get().(*between)
	w.a = v.field.Append(w.a[:0], j, v.arg)
	last := len(v.pipes) - 1
	for i := range last {
		w.b = v.pipes[i].append(w.b[:0], w.a)
		w.a, w.b = w.b, w.a
	}
	dst = v.pipes[last].append(dst, w.a)
	if cap(w.a)+cap(w.b) <= maxBetween {
		betweens.Put(w)
	}
	return dst
}

func (s *stage) append(dst, in []byte) []byte {
	if len(in) == 0 && !s.bare {
		return dst
	}
	return s.run(dst, in)
}

// pipe compiles one pipe of a placeholder; false: it is told what is wrong.
func (c *compiler) pipe(v *expr, at span) bool {
	call := at
	open := strings.IndexByte(c.in(at), '(')
	if open >= 0 {
		at.to = at.from + open
		at = c.trim(at)
	}
	name := c.in(at)
	p := pipeNamed(name)
	switch {
	case name == "":
		c.diagnose(call.from, max(call.to, call.from+1), schema.BadTemplate,
			"there is no pipe behind this bar", "")
		return false
	case p == nil:
		c.diagnose(at.from, at.to, schema.UnknownPipe,
			fmt.Sprintf("%q is not a known pipe%s", name, meantPipe(name)), "")
		return false
	case !p.takes.has(v.typ):
		c.diagnose(at.from, at.to, schema.BadPipe, fmt.Sprintf("%q takes %s, not %s",
			name, p.takes, v.typ.Thing()), "")
		return false
	}
	args, ok := c.arguments(p, call, open)
	if !ok {
		return false
	}
	run, why := p.make(args)
	if why != "" {
		c.diagnose(call.from, call.to, schema.BadPipe, why, "")
		return false
	}
	v.pipes = append(v.pipes, stage{run, p.bare})
	v.typ = p.result(v.typ, args)
	return true
}

// result is the type that comes out: default leaves a type that it is one of.
func (p *Pipe) result(in Type, args []argument) Type {
	if p.Name == "default" && in.Fits([]byte(args[0].s)) {
		return in
	}
	return p.out
}

// arguments reads what stands in the brackets of a pipe's call.
func (c *compiler) arguments(p *Pipe, call span, open int) (args []argument, ok bool) {
	var given []span
	if open >= 0 {
		if c.text.S[call.to-1] != ')' {
			c.diagnose(call.from, call.to, schema.BadTemplate,
				fmt.Sprintf("the brackets of %q are not closed", p.Name), "")
			return nil, false
		}
		inside := span{call.from + open + 1, call.to - 1}
		if c.trim(inside).from < c.trim(inside).to {
			given = c.split(inside, ',', 0)
		}
	}
	if len(given) < p.needed || len(given) > len(p.params) {
		c.diagnose(call.from, call.to, schema.BadPipe,
			fmt.Sprintf("write it as %s%s", p.Name, p.Args), "")
		return nil, false
	}
	for i, at := range given {
		arg, why := p.params[i].read(c.in(at))
		if why != "" {
			c.diagnose(at.from, max(at.to, at.from+1), schema.BadPipe, why, "")
			return nil, false
		}
		args = append(args, arg)
	}
	return args, true
}

// read reads one argument: a bare word, or a text in quotes.
func (p param) read(s string) (a argument, why string) {
	quoted := len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0]
	if quoted {
		s = s[1 : len(s)-1]
	} else if s == "" || strings.ContainsAny(s, "\"'(){}|") {
		return a, fmt.Sprintf("%q is not an argument; put texts in quotes", s)
	}
	a.s = s
	switch p {
	case aNumber, aCount:
		n, err := strconv.Atoi(s)
		switch {
		case err != nil || quoted:
			return a, fmt.Sprintf("%q is not a number", s)
		case p == aCount && n < 0:
			return a, fmt.Sprintf("%s is less than 0", s)
		case n > 65535 || n < -65535:
			return a, fmt.Sprintf("%s is too much", s)
		}
		a.n = n
	case aRegex:
		re, err := regexp.Compile(s)
		if err != nil {
			return a, "not a regular expression (RE2): " +
				strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		}
		a.re = re
	}
	return a, ""
}

func meantPipe(name string) string {
	var known []string
	for i := range pipes {
		known = append(known, pipes[i].Name)
	}
	return schema.Meant(name, known)
}

// String is what a message says of the set.
func (s types) String() string {
	var names []string
	for t := String; t <= IP; t++ {
		if s.has(t) {
			names = append(names, t.Thing())
		}
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
