// Package provision is the commands that make tables and put users into them.
// Its one law: a password is never an argument, and never printed.
package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/schema"
)

// System is what these commands may use of the process.
type System struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Drivers        []backends.Driver
}

// command is what all of them take.
type command struct {
	System
	db      string
	output  string
	timeout time.Duration
}

// Commands are `db` and `user`.
func Commands(s System) []*cobra.Command {
	return []*cobra.Command{newDB(s), newUser(s)}
}

// flags adds those that name the database.
func (c *command) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.db, "db", "", "the database: sqlite:FILE, postgres://… or mysql://…")
	f.StringVarP(&c.output, "output", "o", "text", "text or json")
	f.DurationVar(&c.timeout, "timeout", 30*time.Second, "how long it may take")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("db", cobra.FixedCompletions(
		[]string{"sqlite:", "postgres://", "mysql://"}, cobra.ShellCompDirectiveNoSpace)))
}

// group makes a command of commands.
func group(use, short, long, example string, of ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long + "\n\n" + exit.Codes, Example: example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("no command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(of...)
	return cmd
}

// with opens the database for f.
func (c *command) with(f func(ctx context.Context, db backends.DB) error) error {
	if c.output != "text" && c.output != "json" {
		return fmt.Errorf("--output is text or json, not %q", c.output)
	}
	db, err := c.open()
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return f(ctx, db)
}

// open makes a backend of --db; what is wrong with it is wrong with the arguments.
func (c *command) open() (backends.DB, error) {
	if c.db == "" {
		return nil, errors.New("which database? --db sqlite:FILE, postgres://… or mysql://…")
	}
	name, rest, _ := strings.Cut(c.db, ":")
	key, value := "dsn", c.db
	switch name {
	case "sqlite":
		key, value = "file", rest
	case "postgresql":
		name = "postgres"
	}
	i := slices.IndexFunc(c.Drivers, func(d backends.Driver) bool { return d.Name == name })
	if i < 0 || value == "" {
		return nil, errors.New("--db is sqlite:FILE, postgres://… or mysql://…")
	}
	text := func(s string) schema.Value { return schema.Value{Kind: schema.String, S: s} }
	settings := schema.Value{Kind: schema.Map, Keys: []schema.Key{{Name: key, Value: text(value)},
		{Name: "timeout", Value: text(fmt.Sprintf("%dms", c.timeout.Milliseconds()))}}}
	b, diags := c.Drivers[i].Open(&backends.Opening{
		Name: name, Settings: &settings, Folder: ".", Log: slog.New(slog.DiscardHandler),
	})
	if diags.HasErrors() {
		return nil, fmt.Errorf("--db: %s", diags[0].Message)
	}
	db, ok := b.(backends.DB)
	if !ok {
		return nil, fmt.Errorf("%s keeps no tables", name)
	}
	return db, nil
}

// failed gives an error of the database its exit code.
func failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, backends.ErrNotFound), errors.Is(err, backends.ErrExists):
		return exit.With(exit.Problems, err)
	case errors.Is(err, backends.ErrRefused):
		return exit.With(exit.Refused, fmt.Errorf("%w (sipedge db check tells of the tables)", err))
	}
	return exit.With(exit.Unreachable, err)
}

// say writes an answer: v as JSON, or text.
func (c *command) say(v any, text string) error {
	if c.output == "json" {
		b, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		text = string(b) + "\n"
	}
	if _, err := io.WriteString(c.Stdout, text); err != nil {
		return exit.With(exit.Unreachable, err)
	}
	return nil
}
