package relation

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"sipedge/backends"
)

// Kind is what a column holds.
type Kind uint8

const (
	Text    Kind = iota // string
	Bytes               // []byte
	Integer             // int64 of 32 bits
	Long                // int64
	Real                // float64, finite
	Moment              // time.Time in UTC, to the second
)

// KindOf is what a column holds that is made for tables of this program.
func KindOf(t backends.ColumnType) Kind {
	return [...]Kind{
		backends.Serial: Long, backends.Name: Text, backends.LongText: Text,
		backends.Integer: Long, backends.Real: Real, backends.Moment: Moment,
	}[t]
}

// Unset is what is in the column of a new row that does not say; nil of an Auto column too.
func (c *Column) Unset() backends.Value {
	if c.Null || c.Auto {
		return nil
	}
	return [...]backends.Value{"", []byte{}, int64(0), int64(0), 0.0, time.Unix(0, 0).UTC()}[c.Kind]
}

// Store makes v what the column holds of it; ErrRefused: it can't.
func (c *Column) Store(v backends.Value) (backends.Value, error) {
	v, err := c.Fit(v)
	if err != nil {
		return nil, err
	}
	if v == nil && !c.Null && !c.Auto {
		return nil, fmt.Errorf("%w: column %s is never NULL", backends.ErrRefused, c.Name)
	}
	n, ok := v.(int64)
	if ok && c.Kind == Integer && (n < math.MinInt32 || n > math.MaxInt32) {
		return nil, fmt.Errorf("%w: column %s: %d is too large", backends.ErrRefused, c.Name, n)
	}
	return v, nil
}

// Fit makes v comparable with what the column holds; ErrRefused: it is nothing of the kind.
func (c *Column) Fit(v backends.Value) (backends.Value, error) {
	switch v.(type) {
	case nil:
		return nil, nil
	case string, []byte, int64, float64, time.Time:
	default:
		return nil, fmt.Errorf("%w: column %s: a value of type %T", backends.ErrRefused, c.Name, v)
	}
	switch c.Kind {
	case Text:
		if s := backends.Text(v); s != "" || !c.empties() {
			return s, nil
		}
		return nil, nil
	case Bytes:
		if s := backends.Text(v); s != "" || !c.empties() {
			return []byte(s), nil
		}
		return nil, nil
	}
	n, ok := c.number(v)
	if !ok {
		return nil, fmt.Errorf("%w: column %s: %.40q is no %s", backends.ErrRefused, c.Name,
			backends.Text(v), [...]string{Integer: "whole number", Long: "whole number", Real: "number",
				Moment: "time"}[c.Kind])
	}
	return n, nil
}

func (c *Column) empties() bool { return c.EmptyIsNull && c.Null }

// number is v as a column of numbers or times has it.
func (c *Column) number(v backends.Value) (backends.Value, bool) {
	switch t := v.(type) {
	case []byte:
		v = string(t)
	case time.Time:
		v = t.Unix()
	}
	switch c.Kind {
	case Moment:
		at := backends.When(v)
		return at, !at.IsZero()
	case Real:
		f, err := strconv.ParseFloat(backends.Text(v), 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	}
	n, err := strconv.ParseInt(backends.Text(v), 10, 64)
	return n, err == nil
}

// compare orders values of a column; NULL is before all others.
func compare(a, b backends.Value) int {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b)
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b)
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case float64:
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b)
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b)
		}
	}
	rank := func(v backends.Value) int {
		if v == nil {
			return 0
		}
		return 1
	}
	return rank(a) - rank(b)
}
