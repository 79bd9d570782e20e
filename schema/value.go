package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration reads a checked duration such as "5s". Of an absent value it is 0.
func (v *Value) Duration() time.Duration {
	d, _ := parseDuration(v.S)
	return d
}

// Size reads a checked size such as "64KiB" or 4096, in bytes. Of an absent
// value it is 0.
func (v *Value) Size() int64 {
	if v.Kind == Int {
		return v.N
	}
	n, _ := parseSize(v.S)
	return n
}

// Number reads a number, whole or not; ok false: v is none.
func (v *Value) Number() (n float64, ok bool) {
	switch v.Kind {
	case Int:
		return float64(v.N), true
	case number:
		n, err := strconv.ParseFloat(v.S, 64)
		return n, err == nil
	}
	return 0, false
}

// Text is a String with its place.
func (v *Value) Text() Text { return Text{S: v.S, Pos: v.Pos} }

// Problem is an Error that marks v.
func (v *Value) Problem(code Code, format string, args ...any) Diagnostic {
	end := v.end
	if v.Kind == Map && !v.flow && len(v.Keys) > 0 && v.Keys[0].Pos == v.Pos {
		end = v.Keys[0].end // a map without braces begins with its first key
	}
	if end <= v.Pos.Col {
		end = 0
	}
	return Diagnostic{Pos: v.Pos, End: end, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Problem is an Error that marks the key.
func (k *Key) Problem(code Code, format string, args ...any) Diagnostic {
	return Diagnostic{Pos: k.Pos, End: k.end, Code: code, Message: fmt.Sprintf(format, args...)}
}

// has reports whether a Map has the key.
func (v *Value) has(key string) bool {
	for i := range v.Keys {
		if v.Keys[i].Name == key {
			return true
		}
	}
	return false
}

// texts are the places and contents of one String or a List of them.
func (v *Value) texts() []Text {
	var out []Text
	v.Each(func(item *Value) { out = append(out, item.Text()) })
	return out
}

// or is the number, or def when there is none.
func (v *Value) or(def int) int {
	if v.Kind == Int {
		return int(v.N)
	}
	return def
}

// durationOr is the duration, or def when there is none.
func (v *Value) durationOr(def time.Duration) time.Duration {
	if v.Kind == None {
		return def
	}
	return v.Duration()
}

// sizeOr is the size, or def when there is none.
func (v *Value) sizeOr(def int) int {
	if v.Kind == None {
		return def
	}
	return int(v.Size())
}

// textOr is the text, or def when there is none.
func (v *Value) textOr(def string) string {
	if v.Kind == None {
		return def
	}
	return v.S
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

// parseDuration reads 5s, 1h30m. It is false for what is none, 0 and more than
// ten years.
func parseDuration(s string) (time.Duration, bool) {
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

// parseSize reads 4096, 64KiB, in bytes.
func parseSize(s string) (int64, bool) {
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
