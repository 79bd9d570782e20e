package sip

import (
	"strings"

	"sipedge/sip/load"
)

// Bytes: character classes of RFC 3261 §25.1 and RFC 2396, comparison
// without regard to case (ASCII only), white space, numbers.

const (
	isToken    = 1 << iota // token
	isLWS                  // SP, HTAB, and the CR LF of folding
	isDigit                //
	isHex                  //
	isHost                 // of a host name; '_' is tolerated
	isUser                 // unreserved or user-unreserved
	isReserved             // RFC 2396 §2.2
	isScheme               // behind the first letter of a scheme
	isURI                  // does not end a URI or begin something else
	isText                 // not linear white space
	isVisible              // neither white space nor a control character
	isWord                 // of a word among parameters: not SEMI, LWS, a quote
	isName                 // of a parameter's name: not EQUAL either
	isPlain                // of a word in which nothing begins or ends: no brackets, no comma either
)

const (
	lowerAlpha = "abcdefghijklmnopqrstuvwxyz"
	upperAlpha = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimals   = "0123456789"
	alphanum   = lowerAlpha + upperAlpha + decimals
	lws        = " \t\r\n"
	controls   = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13" +
		"\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f \x7f" // with SP
)

var class = func() (t [256]uint16) {
	in := func(bit uint16, set string) {
		for i := range len(set) {
			t[set[i]] |= bit
		}
	}
	in(isToken, alphanum+"-.!%*_+`'~")
	in(isLWS, lws)
	in(isDigit, decimals)
	in(isHex, decimals+"abcdefABCDEF")
	in(isHost, alphanum+"-._")
	in(isUser, alphanum+"-_.!~*'()"+"&=+$,;?/")
	in(isReserved, ";/?:@&=+$,")
	in(isScheme, alphanum+"+-.")
	for bit, without := range map[uint16]string{
		isURI:     controls + `"<>`,
		isVisible: controls,
		isText:    lws,
		isWord:    lws + `;"`,
		isName:    lws + `;"=`,
		isPlain:   lws + `;"=,()<>\`,
	} {
		for c := range t {
			if !strings.Contains(without, string([]byte{byte(c)})) {
				t[c] |= bit
			}
		}
	}
	return t
}()

var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	for i := range len(upperAlpha) {
		t[upperAlpha[i]] = lowerAlpha[i]
	}
	return t
}()

// text is what names come as: constants and policies as strings, messages as bytes.
type text interface{ ~string | ~[]byte }

// equalFold reports whether a and b are equal but for the case of ASCII letters.
func equalFold[A, B text](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower[a[i]] != lower[b[i]] {
			return false
		}
	}
	return true
}

// is reports whether a word is one that is written in lower case as a rule.
func is(word []byte, lower string) bool { return string(word) == lower || equalFold(word, lower) }

// AppendLower appends b with ASCII letters in lower case.
func AppendLower(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lower[c])
	}
	return dst
}

// all reports whether b is not empty and wholly of a class.
func all[T text](b T, bit uint16) bool {
	for i := range len(b) {
		if class[b[i]]&bit == 0 {
			return false
		}
	}
	return len(b) > 0
}

// run returns the index behind the bytes of a class that stand at b[i:].
func run(b []byte, i int, bit uint16) int {
	for uint(i) < uint(len(b)) && class[b[i]]&bit != 0 { // i is not negative
		i++
	}
	return i
}

// longRun is run for what is long as a rule.
func longRun(b []byte, i int, bit uint16) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		if class[p.Byte(i)]&class[p.Byte(i+1)]&class[p.Byte(i+2)]&class[p.Byte(i+3)]&
			class[p.Byte(i+4)]&class[p.Byte(i+5)]&class[p.Byte(i+6)]&class[p.Byte(i+7)]&bit == 0 {
			break
		}
	}
	return run(b, i, bit)
}

// controlRun returns the index of the first control character at b[i:], but
// for DEL, or len(b).
func controlRun(b []byte, i int) int {
	for p := load.At(b); i+8 <= len(b); i += 8 {
		if mask := load.Under(p.Eight(i), ' '); mask != 0 {
			return i + load.First(mask)
		}
	}
	for i < len(b) && b[i] >= ' ' {
		i++
	}
	return i
}

// trim drops linear white space, folding included, at both ends.
func trim(b []byte) []byte { return trimRight(trimLeft(b)) }

func trimLeft(b []byte) []byte { return b[run(b, 0, isLWS):] }

func trimRight(b []byte) []byte {
	for len(b) > 0 && class[b[len(b)-1]]&isLWS != 0 {
		b = b[:len(b)-1]
	}
	return b
}

// digits reads the decimal number at b[i:], which ends before b[end:]; one of
// more than ten digits is 1<<32, more than any that is allowed.
func digits(b []byte, i int) (v uint64, end int) {
	for end = i; uint(end) < uint(len(b)); end++ {
		d := b[end] - '0'
		if d > 9 {
			break
		}
		v = v*10 + uint64(d)
	}
	if end-i > 10 {
		v = 1 << 32
	}
	return v, end
}

// number reads a whole decimal number of at most max, which is less than 1<<32.
func number(b []byte, max uint64) (v uint64, ok bool) {
	v, n := digits(b, 0)
	if n < len(b) || n == 0 || v > max {
		return 0, false
	}
	return v, true
}

// quotedEnd returns the index behind the quoted string that begins at b[i],
// or -1 if it does not end. RFC 3261 §25.1, quoted-string.
func quotedEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// Unfold appends a field value with each folded line end and the white space
// around it as one space, RFC 3261 §7.3.1.
func Unfold(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		j := run(value, i, isLWS)
		if j == i {
			dst = append(dst, value[i])
			i++
			continue
		}
		if lws := value[i:j]; hasLineEnd(lws) {
			dst = append(dst, ' ')
		} else {
			dst = append(dst, lws...)
		}
		i = j
	}
	return dst
}

func hasLineEnd(b []byte) bool {
	for _, c := range b {
		if c == '\n' || c == '\r' {
			return true
		}
	}
	return false
}
