package rates

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sipedge/backends"
	"sipedge/schema"
)

var (
	errColumns = errors.New("the first line names the columns: prefix, gateways, cost …")
	errFields  = errors.New("it has more or fewer columns than the first line names")
)

// ReadCSV reads rows, RFC 4180, of about n lines. The first names the columns, in any order. The
// error is a sentence, with its line.
func ReadCSV(r io.Reader, n int, sets []string) (*Table, error) {
	from := csv.NewReader(r)
	from.ReuseRecord, from.TrimLeadingSpace, from.FieldsPerRecord = true, true, -1
	header, err := from.Read()
	if err == io.EOF {
		return nil, errColumns
	} else if err != nil {
		return nil, wrong(err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	places := make([]int, len(header))
	for i, name := range header {
		if places[i], err = column(strings.TrimSpace(name)); err != nil {
			return nil, fmt.Errorf("line 1: %w", err)
		}
		if slices.Contains(places[:i], places[i]) {
			return nil, fmt.Errorf("line 1: the column %s stands there twice", Columns[places[i]])
		}
	}
	b := NewBuilder(sets, n)
	for {
		cols, err := from.Read()
		if err == io.EOF {
			return b.Table()
		} else if err != nil {
			return nil, wrong(err)
		}
		line, _ := from.FieldPos(0)
		if len(cols) != len(places) {
			return nil, fmt.Errorf("line %d: %w", line, errFields)
		}
		var row Row
		for i, place := range places {
			row[place] = strings.TrimSpace(cols[i])
		}
		if err := b.Add(line, &row); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// wrong says where a file is no CSV.
func wrong(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return fmt.Errorf("line %d: %w", at.Line, at.Err)
	}
	return err
}

// column is the place of a name in a Row.
func column(name string) (int, error) {
	i := slices.Index(Columns[:], name)
	if i < 0 {
		return 0, fmt.Errorf("%q is no column%s", name, schema.Meant(name, Columns[:]))
	}
	return i, nil
}

// ReadRows reads rows of a database, which have columns of these names. Their lines count from 1.
func ReadRows(names []string, rows []backends.Row, sets []string) (*Table, error) {
	places := make([]int, len(names))
	for i, name := range names {
		var err error
		if places[i], err = column(name); err != nil {
			return nil, err
		}
	}
	b := NewBuilder(sets, len(rows))
	for n, cols := range rows {
		var row Row
		for i, place := range places {
			row[place] = text(cols[i])
		}
		if err := b.Add(n+1, &row); err != nil {
			return nil, fmt.Errorf("row %d, prefix %q: %w", n+1, row[prefix], err)
		}
	}
	return b.Table()
}

// text is a cell of a database. NULL: nothing.
func text(v backends.Value) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strings.TrimSpace(backends.Text(v))
}

// ReadValues reads rows that stand in a policy or in a file of YAML: a list of maps.
func ReadValues(v *schema.Value, sets []string) (*Table, schema.Diagnostics) {
	if v.Kind != schema.List {
		return nil, bad(v, "a list of rows is expected here")
	}
	b := NewBuilder(sets, len(v.Items))
	var diags schema.Diagnostics
	for i := range v.Items {
		item := &v.Items[i]
		row, wrong := readRow(item)
		if wrong == nil {
			if err := b.Add(item.Pos.Line, &row); err != nil {
				wrong = bad(item, err.Error())
			}
		}
		diags = append(diags, wrong...)
	}
	if len(diags) > 0 {
		return nil, diags
	}
	t, err := b.Table()
	if err != nil {
		return nil, bad(v, err.Error())
	}
	return t, nil
}

func readRow(item *schema.Value) (row Row, diags schema.Diagnostics) {
	if item.Kind != schema.Map {
		return row, bad(item, "a row is a map of its columns")
	}
	for i := range item.Keys {
		k := &item.Keys[i]
		place, err := column(k.Name)
		if err != nil {
			return row, schema.Diagnostics{k.Problem(schema.BadTable, "%v", err)}
		}
		var texts []string
		k.Value.Each(func(v *schema.Value) {
			switch number := place != prefix && place != add; {
			case v.Kind == schema.String, v.Kind == schema.Number && number:
				texts = append(texts, v.S)
			case v.Kind == schema.Int && number:
				texts = append(texts, strconv.FormatInt(v.N, 10))
			case !number:
				diags = append(diags, bad(v, "a text is expected here: put it in quotes")...)
			default:
				diags = append(diags, bad(v, "a text or a number is expected here")...)
			}
		})
		row[place] = strings.Join(texts, " ")
	}
	return row, diags
}

func bad(v *schema.Value, what string) schema.Diagnostics {
	return schema.Diagnostics{v.Problem(schema.BadTable, "%s", what)}
}
