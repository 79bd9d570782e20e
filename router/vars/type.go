package vars

import (
	"strconv"

	"sipedge/sip"
)

// Type of a value.
type Type uint8

const (
	String Type = iota
	Int
	Bool
	URI
	IP
)

var typeNames = [...]string{"string", "int", "bool", "uri", "ip"}

func typeNamed(name string) Type {
	for i, n := range typeNames {
		if n == name {
			return Type(i)
		}
	}
	return String
}

// Name is the type as a policy declares it.
func (t Type) Name() string { return typeNames[t] }

// String names the type as the documentation does.
func (t Type) String() string {
	return [...]string{"text", "number", "true or false", "URI", "IP address"}[t]
}

// Thing is a value of the type as a message calls it.
func (t Type) Thing() string {
	return [...]string{"a text", "a number", "true or false", "a URI", "an IP address"}[t]
}

// Takes reports whether what has the type of may be a value of t: a text may
// turn out to be anything, and everything has a text.
func (t Type) Takes(of Type) bool { return t == of || t == String || of == String }

// Fits reports whether a text stands for a value of the type. The empty text
// stands for none.
func (t Type) Fits(text []byte) bool {
	_, ok := t.parse(text)
	return ok
}

// parse reads a text as a value of the type; n is the number of those that
// are one.
func (t Type) parse(text []byte) (n int64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	switch t {
	case Int:
		return parseInt(text)
	case Bool:
		return int64(btoi(string(text) == "true")),
			string(text) == "true" || string(text) == "false"
	case URI:
		_, err := sip.ParseURI(text)
		return 0, err == nil
	case IP:
		_, ok := sip.ParseAddr(text)
		return 0, ok
	}
	return 0, true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// kept is what of a text is stored beside its number.
func (t Type) kept(text []byte) []byte {
	if t == Int || t == Bool {
		return nil
	}
	return text
}

// parseInt reads a decimal number with a sign or none.
func parseInt(text []byte) (int64, bool) {
	if len(text) > len("-9223372036854775808") {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return n, err == nil
}
