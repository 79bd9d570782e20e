package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
)

func newDB(s System) *cobra.Command {
	c := &command{System: s}
	sub := func(use, short, long string, run func(context.Context, backends.DB) error) *cobra.Command {
		return &cobra.Command{
			Use: use, Short: short, Long: long, Args: usage.AtMost(0, "no arguments"),
			Example: "  sipedge db " + use + " --db sqlite:people.db",
			RunE: func(*cobra.Command, []string) error {
				c.makes = use != "check"
				return c.with(run)
			},
		}
	}
	cmd := group("db", "Make and check the tables of a database",
		`The tables of users, aliases, domains and bindings, with the columns OpenSIPS gives them.
What a database of another server has is read as it is and needs none of this; to migrate
its tables would raise their versions, which that server checks.`,
		`  sipedge db init --config policy.yaml
  sipedge db check --db postgres://sipedge@db.example.net/sipedge -o json`,
		sub("init", "Make the tables that are not there",
			`Makes the tables that are not there. Those that are stay as they are; of an older
version, they are for "sipedge db migrate".`, c.initialise),
		sub("migrate", "Bring tables to this version",
			`Makes the tables that are not there, adds columns that are missing, and notes the
versions in the table version. Nothing is taken away; once more changes nothing.`, c.migrate),
		sub("check", "Tell how the tables are",
			`Tells of each table whether it is as this program makes it. Exit code 1: one is not.`, c.check),
		newImport(c))
	c.flags(cmd)
	return cmd
}

func migrator(db backends.DB) backends.Migrator { return db.(backends.Migrator) }

func (c *command) initialise(ctx context.Context, db backends.DB) error {
	m := migrator(db)
	findings, err := m.Check(ctx, backends.Tables)
	if err != nil {
		return failed(err)
	}
	var absent []backends.Table
	for i, f := range findings {
		if f.Absent {
			absent = append(absent, backends.Tables[i])
		}
	}
	if err := m.Migrate(ctx, absent); err != nil {
		return failed(err)
	}
	return c.tell(ctx, m, findings)
}

func (c *command) migrate(ctx context.Context, db backends.DB) error {
	m := migrator(db)
	findings, err := m.Check(ctx, backends.Tables)
	if err != nil {
		return failed(err)
	}
	if err := m.Migrate(ctx, backends.Tables); err != nil {
		return failed(err)
	}
	return c.tell(ctx, m, findings)
}

func (c *command) check(ctx context.Context, db backends.DB) error {
	return c.tell(ctx, migrator(db), nil)
}

// told is what is said of a table.
type told struct {
	Table   string   `json:"table"`
	State   string   `json:"state"` // fine, absent, older, newer, foreign
	Version int      `json:"version"`
	Want    int      `json:"want"`
	Missing []string `json:"missing,omitempty"`
	Changed bool     `json:"changed"`
}

// tell says how the tables are; before, how they were when something was done.
func (c *command) tell(ctx context.Context, m backends.Migrator, before []backends.Finding) error {
	findings, err := m.Check(ctx, backends.Tables)
	if err != nil {
		return failed(err)
	}
	var text strings.Builder
	all := make([]told, len(findings))
	problems := false
	for i, f := range findings {
		changed := before != nil && !before[i].Fine() && f.Fine()
		t := told{f.Table, state(&f), f.Version, f.Want, f.Missing, changed}
		all[i] = t
		problems = problems || t.State != "fine"
		text.WriteString(t.line())
	}
	if err := c.say(map[string]any{"tables": all}, text.String()); err != nil {
		return err
	}
	if problems {
		return exit.With(exit.Problems, errors.New("not every table is as this program makes it"))
	}
	return nil
}

func state(f *backends.Finding) string {
	switch {
	case f.Fine():
		return "fine"
	case f.Absent:
		return "absent"
	case f.Foreign:
		return "foreign"
	case f.Version > f.Want:
		return "newer"
	}
	return "older"
}

func (t told) line() string {
	s := fmt.Sprintf("%-12s ", t.Table)
	lacks := ""
	if len(t.Missing) > 0 {
		lacks = ", lacks " + strings.Join(t.Missing, ", ")
	}
	switch t.State {
	case "fine":
		s += "fine"
		if t.Changed {
			s += ", made just now"
		}
	case "absent":
		s += "absent: sipedge db init makes it"
	case "foreign":
		s += "of another program" + lacks + ": left alone"
	case "newer":
		s += fmt.Sprintf("version %d, of a newer program; this one makes %d", t.Version, t.Want)
	default:
		s += fmt.Sprintf("version %d, want %d%s: sipedge db migrate brings it there", t.Version, t.Want,
			lacks)
	}
	return s + "\n"
}
