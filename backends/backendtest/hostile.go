package backendtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sipedge/backends"
)

// Hostile are texts that have been syntax somewhere.
var Hostile = []string{
	"", " ", "bob", "bob ", " bob", "BOB", "'", `"`, "`", "''", `\`, `\\`, `\'`, `'\''`, "%", "_",
	"b_b", "'; DROP TABLE hostile; --", `"; DELETE FROM hostile; --`, "' OR '1'='1", "0", "00", "1e0",
	"NULL", "null", "?", "$1", ":1", "@a", "{}", "*", ")(", "*)(uid=*))(|(uid=*",
	"a;b|c:d,e\tf",
	"a\nb", "a\r\nb", "\r\nContact: <sip:mallory@192.0.2.66>", "\\n", "a\x00b", "\x00", "\x1a", "\x7f",
	"żółć", "日本語", "👋🏽", "\u202e", "ß", "SS", "ı", "é", "e\u0301", "\ufeff",
	"%00", "%0d%0a", "--", "/*",
	"a:b", `a\:b`, "|", `a\|b`, `\x7C`, "a\n1|2|3", "a,b", "k=a&query_type=delete", "%7C%2C", "=",
	`{"a":null}`, `\u0000`, "\x00\x00", `\2a`, "(&(uid=*)(userPassword=*))",
	"uid=a,dc=b", "'||'", "0x41",
	"*/", "#", "<x>", "&amp;", "${env.HOME}", "{ruri.user}", "sip:bob@example.org;transport=tcp",
}

// NoNUL is Subject.Refuses of databases whose texts have no NUL byte and are UTF-8.
func NoNUL(text string) bool { return strings.Contains(text, "\x00") || !utf8.ValidString(text) }

// runHostile has every hostile text stored and returned as what it is: in the table of the suite,
// and in every field of users, domains and bindings.
func runHostile(t *testing.T, s Subject) {
	t.Run("hostile", func(t *testing.T) { hostile(t, &s) })
	t.Run("hostile fields", func(t *testing.T) { fields(t, &s) })
}

// stores inserts a row with a hostile text; false: it was refused as it may be.
func (s *Subject) stores(t *testing.T, table, text string, columns []string,
	row backends.Row) bool {
	t.Helper()
	err := s.DB.Insert(t.Context(), table, columns, row)
	if s.Refuses != nil && s.Refuses(text) && errors.Is(err, backends.ErrRefused) {
		return false
	}
	if err != nil {
		t.Errorf("%s: %q: %v", table, text, err)
	}
	return err == nil
}

// Each hostile text is stored as it is, found by itself, and is nobody else's.
func hostile(t *testing.T, s *Subject) {
	s.Table(t, "hostile")
	var stored []string
	for i, text := range Hostile {
		r := row(i, text)
		r[2] = text
		if s.stores(t, "hostile", text, Columns, r) {
			stored = append(stored, text)
		}
	}
	s.expect(t, "hostile", stored)
	for _, text := range stored {
		for _, column := range []string{"name", "body"} {
			s.expect(t, "hostile", []string{text}, is(column, text))
			s.expect(t, "hostile", []string{text}, is(column, []byte(text)))
		}
	}
	for _, v := range []backends.Value{int64(0), int64(1), 0.0} { // a number is no text
		s.expect(t, "hostile", keep(stored, backends.Text(v)), is("name", v))
	}
	if s.DB.Can()&backends.CanDelete == 0 {
		return
	}
	n, err := s.DB.Delete(t.Context(), "hostile",
		[]backends.Where{is("name", "' OR '1'='1"), is("body", "' OR '1'='1")})
	if n != 1 || err != nil {
		t.Errorf("deleted %d, %v; want one", n, err)
	}
}

func keep(list []string, want string) []string {
	if slices.Contains(list, want) {
		return []string{want}
	}
	return []string{}
}

// fields puts each hostile text into every field of text that a table has, at once.
func fields(t *testing.T, s *Subject) {
	if s.Make == nil {
		m := s.DB.(backends.Migrator)
		check(t, m.Migrate(t.Context(), backends.Tables))
	}
	for _, table := range backends.Tables {
		if table.Version == 0 { // the table of versions: no message reaches it
			continue
		}
		if s.Make != nil {
			s.Make(t, table)
		}
		var columns []string
		for _, c := range table.Columns {
			if c.Type == backends.Name || c.Type == backends.LongText {
				columns = append(columns, c.Name)
			}
		}
		for _, text := range Hostile {
			s.emptied(t, table.Name)
			row := make(backends.Row, len(columns))
			for i := range row {
				row[i] = text
			}
			if !s.stores(t, table.Name, text, columns, row) {
				continue
			}
			rows := s.rows(t, backends.Select{Table: table.Name, Columns: columns})
			for i, v := range rows[len(rows)-1] {
				if null := v == nil && !s.EmptyIsNull; null || backends.Text(v) != text {
					t.Errorf("%s.%s: stored %q, got %q", table.Name, columns[i], text, v)
				}
			}
		}
		s.emptied(t, table.Name)
	}
}

// emptied removes what is in a table, of what can.
func (s *Subject) emptied(t *testing.T, table string) {
	t.Helper()
	if s.DB.Can()&backends.CanDelete != 0 {
		_, err := s.DB.Delete(t.Context(), table, nil)
		check(t, err)
	}
}
