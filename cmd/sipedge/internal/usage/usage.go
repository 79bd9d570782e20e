// Package usage refuses arguments.
// Its one law: it says so in the same words in every command.
package usage

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// NoCommand words the error for a command that does not exist.
func NoCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = max(cmd.SuggestionsMinimumDistance, 2)
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("no command %q; did you mean %s?", args[0], near[0])
	}
	return fmt.Errorf("no command %q", args[0])
}

// Help words the error for help about a command that does not exist.
func Help(cmd *cobra.Command, args []string) error {
	about, rest, err := cmd.Root().Find(args)
	if err != nil {
		return err
	}
	return NoCommand(about, rest)
}

// Between is AtMost, and asks for arguments when there are fewer than least.
func Between(least int, question string, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return errors.New(question)
		}
		return AtMost(most, what)(cmd, args)
	}
}

// AtMost words the error for arguments nobody asked for; what is what was.
func AtMost(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("%q is one too many: %s", args[n], what)
		}
		return nil
	}
}
