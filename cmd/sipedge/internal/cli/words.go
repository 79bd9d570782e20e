package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sipedge/backends"
	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/cmd/sipedge/internal/usage"
	"sipedge/router"
	"sipedge/router/action"
	"sipedge/router/policytest"
	"sipedge/router/vars"
	"sipedge/router/vars/pseudovar"
	"sipedge/schema"
	"sipedge/schema/manual"
)

func newDoc(services []backends.Driver) *cobra.Command {
	return &cobra.Command{
		Use:   "doc [WORD]",
		Short: "Explain a word of the policy language",
		Long: `Explains a word of the policy language: an action (relay), a matcher (in_dialog),
a field of templates (ruri.user), a pipe (strip), a driver of backends (memory), a key at
the top of a policy (nat) or the code of a diagnostic (SE1004).
Without WORD it lists them all; the word variables lists the pseudo-variables of OpenSIPS
and Kamailio with the fields they are here, the word tests what a test file may have.

` + exit.Codes,
		Example: `  sipedge doc
  sipedge doc relay
  sipedge doc SE1004`,
		Args: usage.AtMost(1, "one WORD"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return wordNames(services), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var text strings.Builder
			switch {
			case len(args) == 0:
				listWords(&text, allWords(services))
			case args[0] == variables:
				listVariables(&text)
			case args[0] == tests:
				text.WriteString(policytest.Shape())
			default:
				if err := explain(&text, services, args[0]); err != nil {
					return err
				}
			}
			return say(cmd.OutOrStdout(), text.String())
		},
	}
}

// Words for what has a text of its own: the table of pseudo-variables, the shape of
// test files.
const (
	variables = "variables"
	tests     = "tests"
)

// listVariables writes what pseudo-variables of OpenSIPS and Kamailio are here.
func listVariables(out io.Writer) {
	const row = "%-24s %-24s %s\n"
	fmt.Fprintf(out, row, "OpenSIPS", "Kamailio", "here")
	for _, m := range pseudovar.Mappings() {
		here := "{" + m.Field + "}"
		switch {
		case m.Field == "":
			here = "no equivalent, because " + m.Why
		case m.Why != "":
			here += " (" + m.Why + ")"
		}
		fmt.Fprintf(out, row, m.OpenSIPS, m.Kamailio, here)
	}
}

// word is something `sipedge doc` knows.
type word struct {
	kind, name, doc string
	where           schema.Place
	schema          string // CUE of what is written behind it; "" none
	examples        string // txtar
}

// allWords is every word, by kind and name.
func allWords(services []backends.Driver) []word {
	var all []word
	for _, k := range action.Kinds() {
		all = append(all, word{"action", k.Name, k.Doc, k.Where, k.Schema, k.Examples})
	}
	for _, f := range router.Fields() {
		all = append(all, word{"matcher", f.Name, f.Doc, f.Where, f.Schema, ""})
	}
	for _, f := range vars.Fields() {
		all = append(all, word{"field", f.Name, f.Doc, f.Where, "", ""})
	}
	for _, p := range vars.Pipes() {
		doc := p.Doc
		if p.Args != "" {
			doc += "\n\nWrite it as " + p.Name + p.Args + "."
		}
		all = append(all, word{"pipe", p.Name, doc, 0, "", ""})
	}
	for _, d := range services {
		all = append(all, word{"driver", d.Name, d.Doc, 0, d.Schema, ""})
	}
	for _, s := range manual.Settings((&schema.Vocabulary{}).CUE()) {
		all = append(all, word{"setting", s.Name, s.Doc, 0, s.Schema, ""})
	}
	for _, c := range schema.Codes() {
		doc := strings.ToUpper(c.Title[:1]) + c.Title[1:] + ".\n\n" + c.Text
		all = append(all, word{"code", c.Code.String(), doc, 0, "", ""})
	}
	return all
}

func wordNames(services []backends.Driver) []string {
	names := []string{variables, tests}
	for _, w := range allWords(services) {
		names = append(names, w.name)
	}
	return names
}

func listWords(out io.Writer, words []word) {
	width := 0
	for _, w := range words {
		width = max(width, len(w.name))
	}
	kind := ""
	for _, w := range words {
		if w.kind != kind {
			if kind != "" {
				fmt.Fprintln(out)
			}
			kind = w.kind
			fmt.Fprintf(out, "%ss\n", kind)
		}
		fmt.Fprintf(out, "  %-*s  %s\n", width, w.name, firstSentence(w.doc))
	}
}

// firstSentence stands alone in every doc.
func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}

// explain writes all there is to say of a word. One name may be an action and a matcher.
func explain(out io.Writer, services []backends.Driver, name string) error {
	found := false
	for _, w := range allWords(services) {
		if !strings.EqualFold(w.name, name) {
			continue
		}
		if found {
			fmt.Fprintln(out)
		}
		found = true
		w.write(out)
	}
	if found {
		return nil
	}
	return exit.With(exit.Problems, fmt.Errorf(
		"no action, matcher, field, pipe, driver, setting or code %q%s",
		name, schema.Meant(name, wordNames(services))))
}

func (w word) write(out io.Writer) {
	fmt.Fprintf(out, "%s %s\n\n%s\n", w.kind, w.name, wrap(w.doc, 78))
	if w.where != 0 {
		fmt.Fprintf(out, "\nWhere: %s\n", w.where)
	}
	if w.schema != "" {
		fmt.Fprintf(out, "\nWhat it takes (CUE):\n\n%s\n", indent(w.schema))
	}
	if w.examples != "" {
		fmt.Fprintf(out, "\nExamples:\n\n%s\n", indent(w.examples))
	}
}

func indent(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "  " + l
		}
	}
	return strings.Join(lines, "\n")
}

// wrap breaks paragraphs, which an empty line parts, into lines of width columns.
func wrap(text string, width int) string {
	var paragraphs []string
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var b strings.Builder
		column := 0
		for _, f := range strings.Fields(p) {
			if column > 0 && column+1+len(f) > width {
				b.WriteByte('\n')
				column = 0
			} else if column > 0 {
				b.WriteByte(' ')
				column++
			}
			b.WriteString(f)
			column += len(f)
		}
		paragraphs = append(paragraphs, b.String())
	}
	return strings.Join(paragraphs, "\n\n")
}
