package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"sipedge/backends"
)

// Check compares tables with those that are there.
func (s *Store) Check(ctx context.Context, tables []backends.Table) ([]backends.Finding, error) {
	return backends.Findings(ctx, s, tables,
		func(ctx context.Context, table string) (func(string) bool, error) {
			s.mu.Lock()
			delete(s.tables, table) // as it is now
			s.mu.Unlock()
			there, err := s.learn(ctx, table)
			return func(column string) bool { _, ok := there[column]; return ok }, err
		})
}

// Migrate brings tables to what this program makes, as far as it can.
func (s *Store) Migrate(ctx context.Context, tables []backends.Table) error {
	findings, err := s.Check(ctx, tables)
	if err != nil {
		return err
	}
	return s.Tx(ctx, func(db backends.DB) error {
		for i, f := range findings {
			if err := s.migrate(ctx, db.(*Store), tables[i], f); err != nil {
				return fmt.Errorf("table %s: %w", f.Table, err)
			}
		}
		return nil
	})
}

func (s *Store) migrate(ctx context.Context, tx *Store, t backends.Table,
	f backends.Finding) error {
	if !f.Due() {
		return nil
	}
	var statements []string
	if f.Absent {
		statements = s.create(t)
	} else {
		for _, c := range t.Columns {
			for _, m := range f.Missing {
				if m == c.Name {
					statements = append(statements, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s",
						s.quote(t.Name), s.column(c)))
				}
			}
		}
	}
	for _, text := range statements {
		if _, err := tx.to.ExecContext(ctx, text); err != nil {
			return s.told(err)
		}
	}
	return backends.NoteVersion(ctx, tx, t)
}

// create are the statements that make a table.
func (s *Store) create(t backends.Table) []string {
	var parts []string
	for _, c := range t.Columns {
		parts = append(parts, s.column(c))
	}
	for _, u := range t.Unique {
		parts = append(parts, fmt.Sprintf("UNIQUE (%s)", s.list(u)))
	}
	statements := []string{fmt.Sprintf("CREATE TABLE %s (\n  %s\n)%s", s.quote(t.Name),
		strings.Join(parts, ",\n  "), s.Suffix)}
	for _, x := range t.Index {
		statements = append(statements, fmt.Sprintf("CREATE INDEX %s ON %s (%s)",
			s.quote(t.Name+"_"+strings.Join(x, "_")), s.quote(t.Name), s.list(x)))
	}
	if t.Told && s.Tell != nil {
		statements = append(statements, s.Tell(s.quote(t.Name))...)
	}
	return statements
}

func (s *Store) column(c backends.Column) string {
	text := s.quote(c.Name) + " " + s.Types[c.Type]
	switch {
	case c.Type == backends.Serial:
		return text
	case c.Type == backends.Name:
		text = fmt.Sprintf(text, c.Size)
	}
	switch {
	case c.Null:
		return text
	case c.Type == backends.Name:
		return text + " DEFAULT '' NOT NULL"
	}
	return text + " DEFAULT 0 NOT NULL"
}

// quote quotes a name of this program's own.
func (s *Store) quote(name string) string { return s.Quote + name + s.Quote }

func (s *Store) list(names []string) string {
	return s.Quote + strings.Join(names, s.Quote+", "+s.Quote) + s.Quote
}
