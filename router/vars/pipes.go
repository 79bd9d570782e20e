package vars

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sipedge/sip"
)

var pipes = func() []Pipe {
	all := slices.Concat(textPipes, escapePipes, uriPipes, hashPipes)
	slices.SortFunc(all, func(a, b Pipe) int { return strings.Compare(a.Name, b.Name) })
	return all
}()

// textPipes cut and change texts. A character is one of UTF-8; a byte that is
// none counts as one.
var textPipes = []Pipe{
	{
		Name: "strip", Args: "(n)", Doc: "Without the first n characters.",
		params: []param{aCount}, needed: 1, takes: scalar,
		make: func(a []argument) (transform, string) {
			return func(dst, in []byte) []byte { return append(dst, in[offset(in, a[0].n):]...) }, ""
		},
	},
	{
		Name: "strip_tail", Args: "(n)", Doc: "Without the last n characters.",
		params: []param{aCount}, needed: 1, takes: scalar,
		make: func(a []argument) (transform, string) {
			return func(dst, in []byte) []byte { return append(dst, in[:tail(in, a[0].n)]...) }, ""
		},
	},
	{
		Name: "substr", Args: "(from, len)",
		Doc: "At most len characters from that one on, counted from 0, or from the end when " +
			"negative; without len, all that follow.",
		params: []param{aNumber, aCount}, needed: 1, takes: scalar,
		make: func(a []argument) (transform, string) {
			return func(dst, in []byte) []byte {
				if a[0].n >= 0 {
					in = in[offset(in, a[0].n):]
				} else {
					in = in[tail(in, -a[0].n):]
				}
				if len(a) > 1 {
					in = in[:offset(in, a[1].n)]
				}
				return append(dst, in...)
			}, ""
		},
	},
	{
		Name: "prefix", Args: "(text)", Doc: "With the text before it.",
		params: []param{aText}, needed: 1, takes: scalar,
		make: func(a []argument) (transform, string) {
			return func(dst, in []byte) []byte { return append(append(dst, a[0].s...), in...) }, ""
		},
	},
	{
		Name: "suffix", Args: "(text)", Doc: "With the text behind it.",
		params: []param{aText}, needed: 1, takes: scalar,
		make: func(a []argument) (transform, string) {
			return func(dst, in []byte) []byte { return append(append(dst, in...), a[0].s...) }, ""
		},
	},
	simple("lower", "In lower case, of ASCII.", anyText, sip.AppendLower),
	simple("upper", "In upper case, of ASCII.", anyText, appendUpper),
	simple("trim", "Without spaces, tabs and line ends around it.", anyText,
		func(dst, in []byte) []byte { return append(dst, bytes.Trim(in, " \t\r\n")...) }),
	{
		Name: "select", Args: "(i, sep)",
		Doc: "The part with that number, from 0, or from the end when negative, of those the " +
			"text sep parts.",
		params: []param{aNumber, aText}, needed: 2, takes: scalar,
		make: func(a []argument) (transform, string) {
			if a[1].s == "" {
				return nil, "the text that parts cannot be empty"
			}
			sep := []byte(a[1].s)
			return func(dst, in []byte) []byte { return append(dst, selected(in, a[0].n, sep)...) }, ""
		},
	},
	{
		Name: "replace", Args: "(regex, with)",
		Doc: "With every match of a regular expression (RE2) replaced; $1 in the second text is " +
			"what the first group matched. It allocates.",
		params: []param{aRegex, aText}, needed: 2, takes: scalar,
		make: func(a []argument) (transform, string) {
			with := []byte(a[1].s)
			return func(dst, in []byte) []byte {
				return append(dst, a[0].re.ReplaceAll(in, with)...)
			}, ""
		},
	},
	{
		Name: "len", Doc: "The number of its characters.", takes: scalar, out: Int, bare: true,
		make: func([]argument) (transform, string) {
			return func(dst, in []byte) []byte {
				return strconv.AppendInt(dst, int64(utf8.RuneCount(in)), 10)
			}, ""
		},
	},
	{
		Name: "default", Args: "(text)", Doc: "The text, if there is nothing.",
		params: []param{aText}, needed: 1, takes: anyType, bare: true,
		make: func(a []argument) (transform, string) {
			return func(dst, in []byte) []byte {
				if len(in) == 0 {
					return append(dst, a[0].s...)
				}
				return append(dst, in...)
			}, ""
		},
	},
}

// simple is a pipe without arguments that gives a text.
func simple(name, doc string, takes types, run transform) Pipe {
	return Pipe{
		Name: name, Doc: doc, takes: takes,
		make: func([]argument) (transform, string) { return run, "" },
	}
}

// offset is where character n begins, or the end.
func offset(b []byte, n int) int {
	i := 0
	for ; n > 0 && i < len(b); n-- {
		_, size := utf8.DecodeRune(b[i:])
		i += size
	}
	return i
}

// tail is where the last n characters begin, or the beginning.
func tail(b []byte, n int) int {
	i := len(b)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRune(b[:i])
		i -= size
	}
	return i
}

func appendUpper(dst, in []byte) []byte {
	for _, c := range in {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// selected is part i of those sep parts; nil: there are not so many.
func selected(b []byte, i int, sep []byte) []byte {
	if i < 0 {
		i += bytes.Count(b, sep) + 1
	}
	for part := range bytes.SplitSeq(b, sep) {
		if i == 0 {
			return part
		}
		i--
	}
	return nil
}
