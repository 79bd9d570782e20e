package provision

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/usage"
)

func newUser(s System) *cobra.Command {
	c := &command{System: s}
	sub := func(use, short, long string, args cobra.PositionalArgs,
		run func(ctx context.Context, db backends.DB, who address) error) *cobra.Command {
		name, _, _ := strings.Cut(use, " ")
		return &cobra.Command{
			Use: use, Short: short, Long: long, Args: args,
			ValidArgsFunction: cobra.NoFileCompletions,
			Example:           "  sipedge user " + name + " --db sqlite:people.db" + exampleOf(use),
			RunE: func(_ *cobra.Command, args []string) error {
				var who address
				if len(args) > 0 {
					var err error
					if who, err = parseAddress(args[0]); err != nil {
						return err
					}
				}
				return c.with(func(ctx context.Context, db backends.DB) error {
					return run(ctx, db, who)
				})
			},
		}
	}
	const asked = `The password is asked for, or read from the first line of standard input when that
is no terminal. Hashes are stored (ha1, ha1_sha256, ha1_sha512t256), for the realm that
is the domain; the password is not.`
	cmd := group("user", "Add, change and remove users",
		"Users in the table subscriber of a database, which \"sipedge db init\" makes.",
		`  sipedge user add --config policy.yaml alice@example.org
  sipedge user list --db sqlite:people.db -o json`,
		sub("add USER@DOMAIN", "Add a user", asked, oneUser, c.add),
		sub("passwd USER@DOMAIN", "Change a user's password", asked, oneUser, c.passwd),
		sub("rm USER@DOMAIN", "Remove a user",
			"Removes a user. Bindings stay until they expire.", oneUser, c.remove),
		sub("list", "List users", "Lists users by name.", usage.AtMost(0, "no arguments"), c.list))
	c.flags(cmd)
	return cmd
}

func exampleOf(use string) string {
	if strings.Contains(use, " ") {
		return " alice@example.org"
	}
	return ""
}

func oneUser(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("which user? One USER@DOMAIN")
	}
	return nil
}

type address struct {
	User   string `json:"user"`
	Domain string `json:"domain"`
}

func (a address) String() string { return a.User + "@" + a.Domain }

// parseAddress reads user@domain; what could break a line or a header is no name.
func parseAddress(s string) (address, error) {
	i := strings.LastIndexByte(s, '@')
	broken := strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' })
	if i < 1 || i == len(s)-1 || broken {
		return address{}, fmt.Errorf("%q is no USER@DOMAIN", s)
	}
	return address{s[:i], strings.ToLower(s[i+1:])}, nil
}

const subscriber = "subscriber"

func (a address) where() []backends.Where {
	return []backends.Where{
		{Column: "username", Op: backends.Equal, Value: a.User},
		{Column: "domain", Op: backends.Equal, Value: a.Domain},
	}
}

// hashes are the cells of a password.
func (a address) hashes(password string) []backends.Cell {
	a1 := []byte(a.User + ":" + a.Domain + ":" + password)
	m, s2, s5 := md5.Sum(a1), sha256.Sum256(a1), sha512.Sum512_256(a1)
	return []backends.Cell{
		{Column: "password", Value: ""},
		{Column: "ha1", Value: hex.EncodeToString(m[:])},
		{Column: "ha1_sha256", Value: hex.EncodeToString(s2[:])},
		{Column: "ha1_sha512t256", Value: hex.EncodeToString(s5[:])},
	}
}

// exists says whether there is exactly this user: a database may find BOB for bob.
func (a address) exists(ctx context.Context, db backends.DB) error {
	rows, err := db.Select(ctx, backends.Select{Table: subscriber, Columns: []string{"username"},
		Where: a.where()})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if backends.Text(r[0]) == a.User {
			return nil
		}
	}
	return fmt.Errorf("%s: %w", a, backends.ErrNotFound)
}

func (c *command) add(ctx context.Context, db backends.DB, who address) error {
	password, err := c.password(who)
	if err != nil {
		return err
	}
	columns, row := []string{"username", "domain"}, backends.Row{who.User, who.Domain}
	for _, h := range who.hashes(password) {
		columns, row = append(columns, h.Column), append(row, h.Value)
	}
	err = db.Insert(ctx, subscriber, columns, row)
	if errors.Is(err, backends.ErrExists) {
		err = fmt.Errorf("%w; `sipedge user passwd` changes the password", backends.ErrExists)
	}
	if err != nil {
		return failed(fmt.Errorf("%s: %w", who, err))
	}
	return c.say(map[string]address{"added": who}, who.String()+" added\n")
}

func (c *command) passwd(ctx context.Context, db backends.DB, who address) error {
	if err := who.exists(ctx, db); err != nil {
		return failed(err)
	}
	password, err := c.password(who)
	if err != nil {
		return err
	}
	if _, err := db.Update(ctx, subscriber, who.hashes(password), who.where()); err != nil {
		return failed(fmt.Errorf("%s: %w", who, err))
	}
	return c.say(map[string]address{"changed": who}, who.String()+" changed\n")
}

func (c *command) remove(ctx context.Context, db backends.DB, who address) error {
	if err := who.exists(ctx, db); err != nil {
		return failed(err)
	}
	if _, err := db.Delete(ctx, subscriber, who.where()); err != nil {
		return failed(fmt.Errorf("%s: %w", who, err))
	}
	return c.say(map[string]address{"removed": who}, who.String()+" removed\n")
}

func (c *command) list(ctx context.Context, db backends.DB, _ address) error {
	rows, err := db.Select(ctx, backends.Select{Table: subscriber,
		Columns: []string{"username", "domain"}, OrderBy: "username"})
	if err != nil {
		return failed(err)
	}
	var text strings.Builder
	all := make([]address, len(rows))
	for i, r := range rows {
		all[i] = address{backends.Text(r[0]), backends.Text(r[1])}
		fmt.Fprintln(&text, all[i])
	}
	return c.say(map[string][]address{"users": all}, text.String())
}
