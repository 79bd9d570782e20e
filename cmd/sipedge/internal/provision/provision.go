// Package provision is the commands that make tables and put users into them.
// Its one law: a password is never an argument, and never printed.
package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
	"sipedge/schema"
)

// System is what these commands may use of the process.
type System struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Drivers        []backends.Driver
	Vocabulary     func() *schema.Vocabulary // of policies
	Env            func(name string) (value string, set bool)
}

// command is what all of them take.
type command struct {
	System
	db      string
	config  string
	backend string
	output  string
	timeout time.Duration
	makes   bool // a database in a file that is not there
}

// Commands are `db` and `user`.
func Commands(s System) []*cobra.Command {
	return []*cobra.Command{newDB(s), newUser(s)}
}

// flags adds those that name the database.
func (c *command) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.db, "db", "", "the database: "+examples())
	f.StringVar(&c.config, "config", "", "a policy: the database is among its backends")
	f.StringVar(&c.backend, "backend", "", "its name there, where the policy has several")
	f.StringVarP(&c.output, "output", "o", "text", "text or json")
	f.DurationVar(&c.timeout, "timeout", 30*time.Second, "how long it may take")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	var begins []string
	for _, f := range forms {
		begins = append(begins, f.begin)
	}
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("db",
		cobra.FixedCompletions(begins, cobra.ShellCompDirectiveNoSpace)))
}

// group makes a command of commands.
func group(use, short, long, example string, of ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long + "\n\n" + exit.Codes, Example: example,
		Args: usage.NoCommand,
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
	db, close, err := c.open()
	if err != nil {
		return err
	}
	defer close()
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return f(ctx, db)
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
