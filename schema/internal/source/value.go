package source

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Pos is a place in an author's file. Line and Col count from 1, Col in bytes.
type Pos struct {
	File      string
	Line, Col int
}

// Text is a string with its place: Pos is the first byte of the content.
type Text struct {
	S   string
	Pos Pos
}

// Path is that of the file t names: beside the one it is written in, unless it is absolute.
func (t Text) Path() string {
	if filepath.IsAbs(t.S) {
		return t.S
	}
	return filepath.Join(filepath.Dir(t.Pos.File), t.S)
}

// Value is a checked piece of YAML or CUE with positions.
type Value struct {
	Kind  ValueKind
	S     string // String: the text
	N     int64  // Int
	B     bool   // Bool
	Items []Value
	Keys  []Key // Map, in the author's order
	Pos   Pos   // of the value; of a String the first byte of its content (behind a quote)

	End  int  // column behind it, on the same line; 0 unknown
	Flow bool // YAML's {…}
}

// ValueKind is what a Value is.
type ValueKind uint8

const (
	None ValueKind = iota // absent or null
	String
	Int
	Bool
	List
	Map
	Number // no int64: 0.7, 1e99; S is its text
)

// Key is an entry of a Map.
type Key struct {
	Name string
	Pos  Pos
	Value

	End int // column behind the key
}

// Get returns the value under a key of a Map; of Kind None when absent.
func (v *Value) Get(key string) *Value {
	for i := range v.Keys {
		if v.Keys[i].Name == key {
			return &v.Keys[i].Value
		}
	}
	return &none
}

var none Value

// Each calls f for v itself, or for every item of a List: what "one value or a list" means.
func (v *Value) Each(f func(*Value)) {
	if v.Kind == List {
		for i := range v.Items {
			f(&v.Items[i])
		}
		return
	}
	if v.Kind != None {
		f(v)
	}
}

// Duration reads a checked duration such as "5s". Of an absent value it is 0.
func (v *Value) Duration() time.Duration {
	d, _ := ParseDuration(v.S)
	return d
}

// Size reads a checked size such as "64KiB" or 4096, in bytes. Of an absent
// value it is 0.
func (v *Value) Size() int64 {
	if v.Kind == Int {
		return v.N
	}
	n, _ := ParseSize(v.S)
	return n
}

// Number reads a number, whole or not; ok false: v is none.
func (v *Value) Number() (n float64, ok bool) {
	switch v.Kind {
	case Int:
		return float64(v.N), true
	case Number:
		n, err := strconv.ParseFloat(v.S, 64)
		return n, err == nil
	}
	return 0, false
}

// Text is a String with its place.
func (v *Value) Text() Text { return Text{S: v.S, Pos: v.Pos} }

// Problem is an Error that marks v.
func (v *Value) Problem(code Code, format string, args ...any) Diagnostic {
	end := v.End
	if v.Kind == Map && !v.Flow && len(v.Keys) > 0 && v.Keys[0].Pos == v.Pos {
		end = v.Keys[0].End // a map without braces begins with its first key
	}
	if end <= v.Pos.Col {
		end = 0
	}
	return Diagnostic{Pos: v.Pos, End: end, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Problem is an Error that marks the key.
func (k *Key) Problem(code Code, format string, args ...any) Diagnostic {
	return Diagnostic{Pos: k.Pos, End: k.End, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Has reports whether a Map has the key.
func (v *Value) Has(key string) bool {
	for i := range v.Keys {
		if v.Keys[i].Name == key {
			return true
		}
	}
	return false
}

// Texts are the places and contents of one String or a List of them.
func (v *Value) Texts() []Text {
	var out []Text
	v.Each(func(item *Value) { out = append(out, item.Text()) })
	return out
}

var durationUnits = []struct {
	name string
	d    time.Duration
}{
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute},
	{"h", time.Hour}, {"d", 24 * time.Hour},
}

// longest is the longest duration a policy may name: more is a slip.
const longest = 3660 * 24 * time.Hour

// ParseDuration reads 5s, 1h30m. It is false for what is none, 0 and more than
// ten years.
func ParseDuration(s string) (time.Duration, bool) {
	var sum time.Duration
	for s != "" {
		n, rest := leadingInt(s)
		if rest == s {
			return 0, false
		}
		ok := false
		for _, u := range durationUnits {
			after, found := strings.CutPrefix(rest, u.name)
			if found && (after == "" || isDigit(after[0])) {
				if n > int64(longest/u.d) {
					return 0, false
				}
				sum, s, ok = sum+time.Duration(n)*u.d, after, true
				break
			}
		}
		if !ok || sum > longest {
			return 0, false
		}
	}
	return sum, sum > 0
}

// ParseSize reads 4096, 64KiB, in bytes.
func ParseSize(s string) (int64, bool) {
	n, unit := leadingInt(s)
	if unit == s {
		return 0, false
	}
	switch unit {
	case "", "B":
	case "KiB":
		n <<= 10
	case "MiB":
		n <<= 20
	case "GiB":
		n <<= 30
	default:
		return 0, false
	}
	return n, n <= math.MaxInt32
}

// leadingInt reads the digits s begins with; too many of them give the largest
// number.
func leadingInt(s string) (int64, string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i > 12 {
		return math.MaxInt32 << 12, s[i:]
	}
	n, _ := strconv.ParseInt(s[:i], 10, 64)
	return n, s[i:]
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Show is a scalar as a message quotes it.
func (v *Value) Show() string {
	switch v.Kind {
	case Int:
		return strconv.FormatInt(v.N, 10)
	case Bool:
		return strconv.FormatBool(v.B)
	case Number:
		return v.S
	}
	s := v.S
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "…"
	}
	return strconv.Quote(s)
}
