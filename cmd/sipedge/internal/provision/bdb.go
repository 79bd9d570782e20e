package provision

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
)

func newImport(c *command) *cobra.Command {
	return &cobra.Command{
		Use: "import-bdb FILE…", Short: "Bring tables of a Berkeley DB over",
		Long: `Brings tables of OpenSIPS's db_berkeley over, from what db_dump or db_dump -p prints
of them: a file is a table, of its name without what is behind the first dot. The table
is made as "sipedge db init" makes it, with the columns it has besides; one of another
name by its own columns and key. Numbers that a database gives are given anew. All rows
of a file are imported, or none.`,
		Example: "  db_dump -p subscriber > subscriber.dump\n" +
			"  sipedge db import-bdb --db bolt:people.bolt subscriber.dump",
		Args: usage.Between(1, "which tables? a FILE each, as db_dump prints it", math.MaxInt, ""),
		RunE: func(_ *cobra.Command, files []string) error {
			c.makes = true
			return c.with(func(ctx context.Context, db backends.DB) error {
				return c.importBDB(ctx, db, files)
			})
		},
	}
}

func (c *command) importBDB(ctx context.Context, db backends.DB, files []string) error {
	type imported struct {
		Table string `json:"table"`
		Rows  int    `json:"rows"`
	}
	var all []imported
	var text strings.Builder
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return exit.With(exit.Unreachable, err)
		}
		d, err := readDump(f)
		f.Close()
		if err != nil {
			return exit.With(exit.Problems, fmt.Errorf("%s: %w", file, err))
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		if !isName(name) {
			return fmt.Errorf("%s: a table has a name of letters, digits and _", file)
		}
		table := d.table(name)
		// The table of versions is where the version of this one is noted.
		if err := migrator(db).Migrate(ctx, []backends.Table{backends.Tables[0], table}); err != nil {
			return failed(err)
		}
		columns, rows := d.fit(table)
		if err := db.Insert(ctx, name, columns, rows...); err != nil {
			return failed(fmt.Errorf("%s: %w", file, err))
		}
		all = append(all, imported{name, len(rows)})
		fmt.Fprintf(&text, "%-12s %d rows\n", name, len(rows))
	}
	return c.say(map[string]any{"tables": all}, text.String())
}

// dump is a table of db_berkeley.
type dump struct {
	columns []backends.Column // all may be NULL
	key     []string
	rows    []backends.Row
}

// table is what the dump becomes: a table of this program, if it has the name of one.
func (d *dump) table(name string) backends.Table {
	i := slices.IndexFunc(backends.Tables, func(t backends.Table) bool { return t.Name == name })
	if i < 0 {
		t := backends.Table{Name: name, Columns: slices.Clone(d.columns)}
		for i := range t.Columns { // of keys a database asks that they have an end
			if slices.Contains(d.key, t.Columns[i].Name) && t.Columns[i].Type == backends.LongText {
				t.Columns[i].Type, t.Columns[i].Size = backends.Name, 255
			}
		}
		if len(d.key) > 0 {
			t.Unique = [][]string{d.key}
		}
		return t
	}
	t := backends.Tables[i]
	t.Columns = slices.Clone(t.Columns)
	for _, c := range d.columns {
		if !slices.ContainsFunc(t.Columns, func(o backends.Column) bool { return o.Name == c.Name }) {
			t.Columns = append(t.Columns, c)
		}
	}
	return t
}

// fit are columns and rows for a table.
func (d *dump) fit(t backends.Table) (columns []string, rows []backends.Row) {
	rows = make([]backends.Row, len(d.rows))
	for i, c := range d.columns {
		to := t.Columns[slices.IndexFunc(t.Columns, func(o backends.Column) bool {
			return o.Name == c.Name
		})]
		if to.Type == backends.Serial {
			continue
		}
		columns = append(columns, c.Name)
		for j, r := range d.rows {
			v := r[i]
			switch {
			case v != nil || to.Null:
			case to.Type == backends.Name || to.Type == backends.LongText:
				v = ""
			default:
				v = int64(0)
			}
			rows[j] = append(rows[j], v)
		}
	}
	return columns, rows
}

const maxLine = 64 << 20 // bytes of a dump

// readDump reads what db_dump prints: a header of NAME=VALUE to HEADER=END, then lines that begin
// with a space, a key and its value in turns, to DATA=END. Errors begin with the line.
func readDump(r io.Reader) (*dump, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	decode, line := hex.DecodeString, 0
	fail := func(format string, args ...any) error {
		return fmt.Errorf("line %d: %w", line, fmt.Errorf(format, args...))
	}
	var pairs [][2]string
	key, inKey, inData, ended := "", false, false, false
	for s.Scan() {
		line++
		text := s.Text()
		switch {
		case ended:
			return nil, fail("there is more than one database")
		case text == "HEADER=END" && !inData:
			inData = true
		case !inData:
			switch name, value, ok := strings.Cut(text, "="); {
			case !ok:
				return nil, fail("%.40q is not of a header: is this of db_dump?", text)
			case name == "VERSION" && value != "3", name == "type" && value != "hash" && value != "btree",
				name == "format" && value != "print" && value != "bytevalue":
				return nil, fail("%s is not known", text)
			case name == "format" && value == "print":
				decode = unprint
			}
		case text == "DATA=END" && !inKey:
			ended = true
		case !strings.HasPrefix(text, " "):
			return nil, fail("%.40q is no data", text)
		default:
			b, err := decode(text[1:])
			if err != nil {
				return nil, fail("%w", err)
			}
			if inKey = !inKey; inKey {
				key = string(b)
				continue
			}
			pairs = append(pairs, [2]string{key, string(b)})
		}
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if !ended {
		return nil, errors.New("it ends before DATA=END")
	}
	return interpret(pairs)
}

// unprint undoes db_dump -p: a backslash is before two digits or another backslash.
func unprint(text string) ([]byte, error) {
	var b []byte
	for {
		plain, rest, escaped := strings.Cut(text, `\`)
		b = append(b, plain...)
		switch {
		case !escaped:
			return b, nil
		case strings.HasPrefix(rest, `\`):
			b, text = append(b, '\\'), rest[1:]
		default:
			c, err := hex.DecodeString(rest[:min(2, len(rest))])
			if err != nil || len(c) == 0 {
				return nil, fmt.Errorf("no escape \\%.2s", rest)
			}
			b, text = append(b, c...), rest[2:]
		}
	}
}

// isName reports whether s may name a table or column: it becomes a part of statements.
func isName(s string) bool { return names.MatchString(s) }

var names = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// types of db_berkeley; others are texts.
var types = map[string]backends.ColumnType{
	"int": backends.Integer, "bigint": backends.Integer, "double": backends.Real,
	"datetime": backends.Moment,
}

// interpret reads the rows of a table, and what it says of itself, which may be anywhere.
func interpret(pairs [][2]string) (*dump, error) {
	meta := map[string]string{}
	for _, p := range pairs {
		if name, ok := strings.CutPrefix(p[0], "METADATA_"); ok {
			meta[strings.TrimRight(name, "\x00")] = strings.Trim(p[1], " \x00")
		}
	}
	d := &dump{}
	for _, c := range strings.Fields(meta["COLUMNS"]) {
		name, rest, ok := strings.Cut(c, "(")
		kind, known := types[strings.TrimSuffix(rest, ")")]
		if !known {
			kind = backends.LongText
		}
		if !ok || !isName(name) {
			return nil, fmt.Errorf("METADATA_COLUMNS: %.40q is no column", c)
		}
		d.columns = append(d.columns, backends.Column{Name: name, Type: kind, Null: true})
	}
	if len(d.columns) == 0 {
		return nil, errors.New("no METADATA_COLUMNS: it is no table of db_berkeley")
	}
	for _, k := range strings.Fields(meta["KEY"]) {
		n, err := strconv.Atoi(k)
		if err != nil || n < 0 || n >= len(d.columns) {
			return nil, fmt.Errorf("METADATA_KEY: no column %.20s", k)
		}
		d.key = append(d.key, d.columns[n].Name)
	}
	for _, p := range pairs {
		if strings.HasPrefix(p[0], "METADATA_") {
			continue
		}
		row, err := d.row(p[1])
		if err != nil {
			return nil, fmt.Errorf("row %.80q: %w", p[0], err)
		}
		d.rows = append(d.rows, row)
	}
	return d, nil
}

// row cuts a row. db_berkeley escapes nothing: a row with a | in a value can't be told apart.
func (d *dump) row(text string) (row backends.Row, err error) {
	fields := strings.Split(text, "|")
	if len(fields) != len(d.columns) {
		return nil, fmt.Errorf("%d fields of %d columns", len(fields), len(d.columns))
	}
	for i, c := range d.columns {
		f := strings.TrimRight(fields[i], "\x00")
		var v backends.Value = f
		switch {
		case strings.EqualFold(f, "NULL"), c.Type != backends.LongText && (f == "" || f == "NIL"):
			v = nil
		case c.Type == backends.Integer:
			v, err = strconv.ParseInt(f, 10, 64)
		case c.Type == backends.Real:
			v, err = strconv.ParseFloat(f, 64)
		case c.Type == backends.Moment:
			at := backends.When(strings.Trim(f, "'"))
			if v = at; at.IsZero() {
				err = fmt.Errorf("%.40q is no time", f)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		row = append(row, v)
	}
	return row, nil
}
