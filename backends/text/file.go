package text

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/backends/relation"
)

// The format of db_text: the first line names the columns, "name(type) name(type,null) …"; each
// other line is a row, its fields joined by ":". In fields of text a backslash begins an escape. A
// field of nothing is NULL where the column may be, else an empty text.

// words are the types of columns. OpenSIPS goes by the first letter; str and string are alike.
var words = []struct {
	word string
	kind relation.Kind
}{
	{"string", relation.Text}, {"int", relation.Integer}, {"long", relation.Long},
	{"double", relation.Real}, {"blob", relation.Bytes}, {"time", relation.Moment},
}

// parse reads a table. Errors begin with the line.
func parse(file []byte, unique [][]string) (*relation.Table, error) {
	head, rest, _ := bytes.Cut(file, []byte("\n"))
	t := &relation.Table{}
	for _, c := range splitColumns(string(head)) {
		column, err := parseColumn(c)
		if err != nil {
			return nil, fmt.Errorf("line 1: %w", err)
		}
		if t.Index(column.Name) >= 0 {
			return nil, fmt.Errorf("line 1: column %s twice", column.Name)
		}
		t.Columns = append(t.Columns, column)
	}
	if len(t.Columns) == 0 {
		return nil, fmt.Errorf("line 1: no columns")
	}
	for _, names := range unique { // a layout of somebody else's may lack them
		if !has(t, names) {
			continue
		}
		t.Unique = append(t.Unique, names)
	}
	for n := 2; len(rest) > 0; n++ {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(line) == 0 {
			continue
		}
		row, err := parseRow(t.Columns, line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

func has(t *relation.Table, names []string) bool {
	for _, n := range names {
		if t.Index(n) < 0 {
			return false
		}
	}
	return true
}

// splitColumns cuts behind each ")": there may be spaces everywhere.
func splitColumns(line string) []string {
	var out []string
	for {
		c, rest, more := strings.Cut(line, ")")
		if c = strings.TrimSpace(c); c != "" {
			out = append(out, c)
		}
		if !more {
			return out
		}
		line = rest
	}
}

func parseColumn(text string) (c relation.Column, err error) {
	name, rest, ok := strings.Cut(text, "(")
	word, flag, flagged := strings.Cut(strings.TrimSpace(rest), ",")
	c.Name, c.EmptyIsNull = strings.TrimSpace(name), true
	if word = strings.ToLower(strings.TrimSpace(word)); !ok || c.Name == "" || word == "" {
		return c, fmt.Errorf("%.60q is no column", text)
	}
	known := false
	for _, w := range words {
		if w.word[0] == word[0] {
			c.Kind, known = w.kind, true
		}
	}
	if !known {
		return c, fmt.Errorf("column %s: no type %.40q", c.Name, word)
	}
	switch flag = strings.ToLower(strings.TrimSpace(flag)); {
	case !flagged:
	case strings.HasPrefix(flag, "n"):
		c.Null = true
	case strings.HasPrefix(flag, "a") && (c.Kind == relation.Integer || c.Kind == relation.Long):
		c.Auto = true
	default:
		return c, fmt.Errorf("column %s: %.40q is not null, nor auto of a number", c.Name, flag)
	}
	return c, nil
}

func parseRow(columns []relation.Column, line []byte) (backends.Row, error) {
	row := make(backends.Row, len(columns))
	for i := range columns {
		c := &columns[i]
		field, rest, err := cutField(line)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		if last := i == len(columns)-1; last != (rest == nil) {
			return nil, fmt.Errorf("not %d fields", len(columns))
		}
		line = rest
		if row[i], err = value(c, field); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// value is what a field holds. Of a number nothing is NULL, also where that may not be.
func value(c *relation.Column, field []byte) (backends.Value, error) {
	switch {
	case len(field) > 0:
		return c.Store(field)
	case c.Null, c.Kind != relation.Text && c.Kind != relation.Bytes:
		return nil, nil
	}
	return c.Store("")
}

// unescapes and escapes are the letters behind a backslash.
var unescapes = map[byte]byte{
	'n': '\n', 'r': '\r', 't': '\t', '\\': '\\', ':': ':', '0': 0,
}

var escapes = func() (letters [256]byte) {
	for letter, c := range unescapes {
		letters[c] = letter
	}
	return letters
}()

// cutField takes the first field off a line. rest nil: it was the last.
func cutField(line []byte) (field, rest []byte, err error) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ':':
			return field, line[i+1:], nil
		case '\\':
			i++
			if i == len(line) {
				return nil, nil, fmt.Errorf("a backslash at the end")
			}
			c, ok := unescapes[line[i]]
			if !ok {
				return nil, nil, fmt.Errorf("no escape \\%c", line[i])
			}
			field = append(field, c)
		default:
			field = append(field, line[i])
		}
	}
	return field, nil, nil
}

// format writes a table as parse reads it. ErrRefused: a row is of nothing, which no line can be.
func format(t *relation.Table) ([]byte, error) {
	var b []byte
	for i, c := range t.Columns {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(append(append(b, c.Name...), '('), word(c.Kind)...)
		switch {
		case c.Null:
			b = append(b, ",null"...)
		case c.Auto:
			b = append(b, ",auto"...)
		}
		b = append(b, ')')
	}
	b = append(b, '\n')
	for _, r := range t.Rows {
		from := len(b)
		for i, v := range r {
			if i > 0 {
				b = append(b, ':')
			}
			b = appendValue(b, v)
		}
		if len(b) == from {
			return nil, fmt.Errorf("%w: a row of an empty column alone", backends.ErrRefused)
		}
		b = append(b, '\n')
	}
	return b, nil
}

func word(k relation.Kind) string {
	for _, w := range words {
		if w.kind == k {
			return w.word
		}
	}
	panic("no word for a kind")
}

func appendValue(b []byte, v backends.Value) []byte {
	switch v := v.(type) {
	case float64: // OpenSIPS reads no exponents
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	case time.Time:
		return strconv.AppendInt(b, v.Unix(), 10)
	}
	text := backends.Text(v)
	for i := range len(text) {
		if letter := escapes[text[i]]; letter != 0 {
			b = append(b, '\\', letter)
			continue
		}
		b = append(b, text[i])
	}
	return b
}
