package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/control"
	"sipedge/cmd/sipedge/internal/usage"
)

func (c *command) newLocation() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "location",
		Short: "List, add and remove bindings of the registrar",
		Long: `Lists, adds and removes bindings of addresses of record to contacts, in a location
store of the running server: what REGISTER makes, and ` + "`lookup`" + ` finds.

An AOR is user@host or a URI. --location names the store as the policy does; it may be
left out where there is one. What is removed is removed at once: no call goes there any
more, and where the store has a database behind it, the row is gone before the command
is answered. A phone that registers again is bound again.`,
		Example: `  sipedge ctl location list
  sipedge ctl location show alice@example.net
  sipedge ctl location rm alice@example.net sip:alice@192.0.2.7:5060
  sipedge ctl location add --expires 8h desk@example.net sip:desk@192.0.2.9`,
		Args: usage.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	cmd.PersistentFlags().StringVar(&c.location, "location", "", "the location store, by its name")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("location", c.completeLocations))
	cmd.AddCommand(c.newList(), c.newShow(), c.newAdd(), c.newRemove(), c.newFlush())
	return cmd
}

func (c *command) newList() *cobra.Command {
	var limit uint
	cmd := &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List bindings",
		Long: `Lists the bindings of every address of record, or of those that begin with PREFIX,
in any order. The server's traffic does not wait for a long list. What is bound or gone
meanwhile may be missed.`,
		Example: `  sipedge ctl location list
  sipedge ctl location list --limit 10 +4930
  sipedge ctl location list -o json | jq '.aors[].aor'`,
		Args:              usage.AtMost(1, "one PREFIX"),
		ValidArgsFunction: c.completeAORs,
		RunE: func(_ *cobra.Command, args []string) error {
			q := query("location", c.location, "prefix", strings.Join(args, ""))
			if limit > 0 {
				q.Set("limit", fmt.Sprint(limit))
			}
			return c.with(func(ctx context.Context, server *control.Client) error {
				return c.list(ctx, server, q)
			})
		},
	}
	cmd.Flags().UintVar(&limit, "limit", 0, "how many addresses of record at most; 0: all")
	return cmd
}

// list writes all when all has come: a reader who takes his time does not keep the server.
func (c *command) list(ctx context.Context, server *control.Client, q url.Values) error {
	const row = "%-32s %-44s %5v %9s  %s\n"
	var out bytes.Buffer
	count := 0
	line := func(line []byte) error {
		count++
		if c.output == "json" {
			if count > 1 {
				out.WriteByte(',')
			}
			out.WriteString("\n    ")
			out.Write(bytes.TrimRight(line, "\n"))
			return nil
		}
		var b control.Bound
		if err := json.Unmarshal(line, &b); err != nil {
			return err
		}
		if count == 1 {
			fmt.Fprintf(&out, row, "AOR", "CONTACT", "Q", "EXPIRES", "LISTENER")
		}
		for i := range b.Bindings {
			d := &b.Bindings[i]
			fmt.Fprintf(&out, row, b.AOR, d.Contact, d.Q, age(d.Left), d.Listener)
		}
		return nil
	}
	if c.output == "json" {
		out.WriteString(`{"aors": [`)
	}
	if err := server.Stream(ctx, "bindings", q, line); err != nil {
		return err
	}
	if c.output == "json" {
		out.WriteString("\n]}\n")
	}
	return write(c.Stdout, out.String())
}

// about makes a command about the bindings of an address of record.
func (c *command) about(use, short, long, example string, most int,
	run func(ctx context.Context, server *control.Client, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Example: example,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which address of record? user@host, or a URI")
			}
			return usage.AtMost(most, use)(cmd, args)
		},
		ValidArgsFunction: c.completeAORs,
		RunE: func(_ *cobra.Command, args []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				return run(ctx, server, args)
			})
		},
	}
}

func (c *command) newShow() *cobra.Command {
	return c.about("show AOR", "Show all there is about the bindings of an address of record",
		`Shows each binding of AOR with all that is kept of it. Without one: exit code 1.`,
		"  sipedge ctl location show alice@example.net", 1,
		func(ctx context.Context, server *control.Client, args []string) error {
			var b control.Bound
			q := query("location", c.location, "aor", args[0])
			if err := server.Do(ctx, "binding", q, nil, &b); err != nil {
				return err
			}
			return c.show(&b)
		})
}

func (c *command) show(b *control.Bound) error {
	return c.say(b, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n", b.AOR)
		for i := range b.Bindings {
			bindingText(&b.Bindings[i], w)
		}
	})
}

func bindingText(b *control.Binding, w io.Writer) {
	fmt.Fprintf(w, "\n  contact:\t%s\n", b.Contact)
	for _, f := range []struct{ name, value string }{
		{"q", fmt.Sprint(b.Q)},
		{"expires", fmt.Sprintf("%s (%s)", age(b.Left), moment(b.Expires))},
		{"registered", moment(b.Modified)},
		{"received", b.Received},
		{"path", b.Path},
		{"listener", b.Listener},
		{"user agent", b.UserAgent},
		{"instance", b.Instance},
		{"reg-id", number(b.RegID)},
		{"methods", strings.Join(b.Methods, " ")},
		{"call-id", b.CallID},
		{"cseq", fmt.Sprint(b.CSeq)},
		{"flags", number(b.Flags)},
		{"attr", b.Attr},
		{"id", b.ID},
	} {
		if f.value != "" {
			fmt.Fprintf(w, "  %s:\t%s\n", f.name, f.value)
		}
	}
}

// number is a number that is worth telling.
func number(n uint32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (c *command) newAdd() *cobra.Command {
	var a control.Addition
	var expires time.Duration
	var q float64
	cmd := c.about("add AOR CONTACT", "Add a binding",
		`Binds AOR to CONTACT, a URI, as if a phone had registered there; a binding to it
becomes this one. It ends after --expires, or when the phone registers otherwise.`,
		`  sipedge ctl location add alice@example.net sip:alice@192.0.2.7:5060
  sipedge ctl location add --expires 10m --q 0.5 alice@example.net 'sip:+4930123@192.0.2.1'`, 2,
		func(ctx context.Context, server *control.Client, args []string) error {
			a.Contact, a.Expires, a.Q = args[1], expires.Seconds(), &q
			var b control.Bound
			to := query("location", c.location, "aor", args[0])
			if err := server.Do(ctx, "add_binding", to, &a, &b); err != nil {
				return err
			}
			return c.show(&b)
		})
	cmd.PreRunE = func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < 2:
			return errors.New("no CONTACT: a URI to bind it to")
		case expires <= 0:
			return fmt.Errorf("--expires %v is no time to live", expires)
		}
		return nil
	}
	f := cmd.Flags()
	f.DurationVar(&expires, "expires", time.Hour, "how long it lives")
	f.Float64Var(&q, "q", 1, "its preference, 0 to 1")
	f.StringVar(&a.Path, "path", "", "the proxies on the way, as Path (RFC 3327) has them")
	f.StringVar(&a.Received, "received", "", "the URI calls are sent to instead of CONTACT")
	return cmd
}

func (c *command) newRemove() *cobra.Command {
	return c.about("rm AOR [CONTACT]", "Remove bindings",
		`Removes the bindings of AOR, or the one to CONTACT. Without any: exit code 1. From
then on no call goes there; one under way goes on.`,
		`  sipedge ctl location rm alice@example.net
  sipedge ctl location rm alice@example.net sip:alice@192.0.2.7:5060`, 2,
		func(ctx context.Context, server *control.Client, args []string) error {
			q := query("location", c.location, "aor", args[0], "contact", strings.Join(args[1:], ""))
			return c.removed(ctx, server, "remove_binding", q)
		})
}

func (c *command) newFlush() *cobra.Command {
	return &cobra.Command{
		Use:   "flush",
		Short: "Remove every binding",
		Long: `Removes every binding of a location store. Phones are called again when they
registered again, which they do when they think their binding ends.`,
		Example: "  sipedge ctl location flush --location contacts",
		Args:    usage.AtMost(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			return c.with(func(ctx context.Context, server *control.Client) error {
				return c.removed(ctx, server, "flush", query("location", c.location))
			})
		},
	}
}

func (c *command) removed(
	ctx context.Context, server *control.Client, id string, q url.Values,
) error {
	var r control.Removed
	if err := server.Do(ctx, id, q, nil, &r); err != nil {
		return err
	}
	return c.say(&r, func(w io.Writer) {
		what := "bindings"
		if r.Removed == 1 {
			what = "binding"
		}
		fmt.Fprintf(w, "%d %s removed\n", r.Removed, what)
	})
}

// completeMost is how many words a shell is offered.
const completeMost = 100

// completeAORs offers addresses of record, and to those behind one its contacts.
func (c *command) completeAORs(
	_ *cobra.Command, args []string, begun string,
) ([]string, cobra.ShellCompDirective) {
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		if len(args) > 0 {
			var b control.Bound
			q := query("location", c.location, "aor", args[0])
			err := server.Do(ctx, "binding", q, nil, &b)
			for i := range b.Bindings {
				offer(b.Bindings[i].Contact)
			}
			return err
		}
		q := query("location", c.location, "prefix", begun, "limit", fmt.Sprint(completeMost))
		return server.Stream(ctx, "bindings", q, func(line []byte) error {
			var b control.Bound
			err := json.Unmarshal(line, &b)
			offer(b.AOR)
			return err
		})
	})
}

// completeLocations offers the backends that keep bindings.
func (c *command) completeLocations(
	*cobra.Command, []string, string,
) ([]string, cobra.ShellCompDirective) {
	return c.complete(func(ctx context.Context, server *control.Client, offer func(string)) error {
		var v control.Backends
		err := server.Do(ctx, "backends", nil, nil, &v)
		for _, b := range v.Backends {
			if b.Bindings != nil {
				offer(b.Name)
			}
		}
		return err
	})
}
