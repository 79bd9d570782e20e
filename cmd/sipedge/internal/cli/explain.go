package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/router"
	"sipedge/router/policytest"
	"sipedge/router/scene"
	"sipedge/schema"
	"sipedge/sip"
)

type explainFlags struct {
	policy, output, time string
	with, auth           string
	replies              []string
	origin               scene.Origin
}

func newExplain(s System) *cobra.Command {
	var flags explainFlags
	cmd := &cobra.Command{
		Use:   "explain POLICY MESSAGE…",
		Short: "Show what a policy does to a message, step by step",
		Long: `Runs a policy over messages and shows each decision: the rules tried, the matcher
that did not hold with the value it saw, each step with what it changed, what the
router refuses by itself and why, and the messages that leave. The real router runs, in
virtual time; nothing is contacted. Databases are empty and nobody is registered, unless
--with names a file of tests: what its tests have around them – users, bindings, tables,
backends, gateways, hosts – is there. Such a file may stand without tests. --auth NAME
has a user of it send the request, who answers the challenge; what is shown is the
request with credentials. Who sends it is filled in then: From, unless it is there, and
To of a REGISTER.

MESSAGE is a file with a request; - for standard input; or the request itself, when
it has a space: "INVITE sip:bob@example.net". Header fields that are missing are filled
in. Where it comes from is filled in too: --source and --listener say it.

Only what happens at once is shown, unless --reply says what branches answer: then
reply and failure routes run as well. Branches beyond those named answer nothing. The
URIs behind the statuses, after spaces, are the Contacts of the last of them, as of a
redirection: --reply "302 sip:carol@example.org".

` + exit.Codes,
		Example: `  sipedge explain policy.yaml invite.sip
  sipedge explain policy.yaml "INVITE sip:+4930123@example.net" --source 198.51.100.7
  sipedge explain --reply 503 --reply 180,200 policy.yaml invite.sip
  sipedge explain --reply "302 sip:carol@example.org" policy.yaml invite.sip
  sipedge explain policy.yaml invite.sip --with policy.test.yaml --auth alice
  sipedge explain --policy policies/edge -o json - < invite.sip | jq .path`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(textOrJSON, flags.output) {
				return fmt.Errorf("--output is text or json, not %q", flags.output)
			}
			if flags.policy == "" && len(args) > 0 {
				flags.policy, args = args[0], args[1:]
			}
			if flags.policy == "" {
				return errors.New("no POLICY: what decides?")
			}
			if len(args) == 0 {
				return errors.New("no MESSAGE: what is to be decided?")
			}
			if flags.auth != "" && flags.with == "" {
				return errors.New("--auth is a user of the file that --with names")
			}
			return explainAll(s, cmd.InOrStdin(), args, &flags)
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.policy, "policy", "", "the policy; every argument is a MESSAGE then")
	f.StringVarP(&flags.output, "output", "o", "text", "how it is written: text or json")
	f.StringVar(&flags.origin.Source, "source", "", "where it comes from: 203.0.113.9:5060/udp")
	f.StringVar(&flags.origin.Listener, "listener", "", "by which listener: udp:192.0.2.10:5060")
	f.StringVar(&flags.with, "with", "", "a file of tests, whose users, bindings … are there")
	f.StringVar(&flags.auth, "auth", "", "the user of that file who sends it")
	f.StringArrayVar(&flags.replies, "reply", nil,
		"what the next branch answers: 486, 180,200, \"302 sip:a@b\" or silence (repeat for each)")
	f.StringVar(&flags.time, "time", "",
		"when: 2026-02-28T18:30:00+01:00; 2000-01-01T00:00:00Z, a Saturday, unless given")
	cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(textOrJSON, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func explainAll(s System, stdin io.Reader, messages []string, flags *explainFlags) error {
	q := scene.Question{Origin: flags.origin}
	var err error
	if q.Branches, err = branchesOf(flags.replies); err != nil {
		return err
	}
	if flags.time != "" {
		if q.Time, err = time.Parse(time.RFC3339, flags.time); err != nil {
			return fmt.Errorf("--time %s is not like 2026-02-28T18:30:00+01:00", flags.time)
		}
	}
	doc, src, diags, err := schema.Load(flags.policy, s.vocabulary())
	if err != nil {
		return unreachable(err)
	}
	if doc != nil {
		_, more := router.Compile(doc, router.Env{})
		diags = append(diags, more...)
	}
	if diags.HasErrors() {
		report(s, diags, src)
		return exit.With(exit.Problems, nil)
	}
	q.Outside.Hosts = scene.NewHosts()
	if flags.with != "" {
		if doc, err = surround(s, doc, &q, flags); err != nil {
			return err
		}
	}
	for i, arg := range messages {
		text, err := messageText(arg, stdin)
		if err != nil {
			return unreachable(err)
		}
		if !strings.Contains(strings.TrimSpace(text), " ") {
			return exit.With(exit.Problems, fmt.Errorf("%s holds no request", arg))
		}
		q.Message.Text = text
		played, err := scene.Explain(doc, &q)
		if err != nil {
			return exit.With(exit.Problems, err)
		}
		if i > 0 && flags.output == "text" {
			if err := say(s.Stdout, "\n"); err != nil {
				return err
			}
		}
		write := played.WriteText
		if flags.output == "json" {
			write = played.WriteJSON
		}
		if err := write(s.Stdout); err != nil {
			return unreachable(err)
		}
	}
	return nil
}

// surround gives a question what a file of tests has, and the policy the rows of its tables.
func surround(
	s System, doc *schema.Document, q *scene.Question, flags *explainFlags,
) (*schema.Document, error) {
	around, src, diags, err := policytest.Surround(flags.with, doc)
	if err != nil {
		return nil, unreachable(err)
	}
	if around == nil {
		report(s, diags, src)
		return nil, exit.With(exit.Problems, nil)
	}
	if flags.auth != "" {
		if q.Message.Login, err = around.Login(flags.auth); err != nil {
			return nil, exit.With(exit.Problems, fmt.Errorf("%s: %w", flags.with, err))
		}
		q.Message.Self = q.Message.Login.URI()
	}
	q.Outside = around.Outside
	return around.Policy, nil
}

// messageText reads a MESSAGE.
func messageText(arg string, stdin io.Reader) (string, error) {
	if arg == "-" {
		b, err := io.ReadAll(stdin)
		return string(b), err
	}
	b, err := os.ReadFile(arg)
	if err != nil && strings.Contains(arg, " ") {
		return arg, nil
	}
	return string(b), err
}

// branchesOf reads --reply.
func branchesOf(replies []string) (list []scene.Branch, err error) {
	for _, text := range replies {
		codes, uris, _ := strings.Cut(text, " ")
		var b scene.Branch
		for code := range strings.SplitSeq(codes, ",") {
			if code == "silence" {
				break
			}
			n, err := strconv.Atoi(code)
			if err != nil || n < 100 || n > 699 {
				return nil, fmt.Errorf("--reply %s: statuses like 486 or 180,200, or silence", text)
			}
			b.Replies = append(b.Replies, scene.Reply{Code: n})
		}
		contacts, err := contactsOf(uris)
		switch {
		case err != nil:
			return nil, fmt.Errorf("--reply %s: %w", text, err)
		case len(b.Replies) > 0:
			b.Replies[len(b.Replies)-1].Fields = contacts
		case contacts != nil:
			return nil, fmt.Errorf("--reply %s: silence has no Contact", text)
		}
		list = append(list, b)
	}
	return list, nil
}

// contactsOf reads the Contacts of a reply: URIs, or <URI> with parameters behind it.
func contactsOf(uris string) (list []scene.Field, err error) {
	for value := range strings.FieldsSeq(uris) {
		uri := value
		if rest, ok := strings.CutPrefix(value, "<"); ok {
			uri, _, _ = strings.Cut(rest, ">")
		} else {
			value = "<" + value + ">"
		}
		if _, err := sip.ParseURI([]byte(uri)); err != nil {
			return nil, fmt.Errorf("%q is not a URI", uri)
		}
		list = append(list, scene.Field{Name: "Contact", Value: value})
	}
	return list, nil
}
