package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sipedge/sip/recording"
)

// Report is what a replay found, for a person or a machine.
type Report struct {
	All     bool // each difference by itself, not one of those that are decided so
	Counts  *Counts
	Trouble []Trouble

	groups []*alike
	at     map[[2]string]*alike
}

// alike are differences of which the same rules decide the same way.
type alike struct {
	*Difference // the first
	count       int
}

// Add takes a difference: Config.Differs.
func (r *Report) Add(d *Difference) error {
	key := [2]string{d.Old.Decision(), d.New.Decision()}
	g := r.at[key]
	if g == nil || r.All {
		g = &alike{Difference: d}
		r.groups = append(r.groups, g)
	}
	if r.at == nil {
		r.at = map[[2]string]*alike{}
	}
	r.at[key] = g
	g.count++
	return nil
}

func (t Trouble) String() string {
	if t.At == (recording.Place{}) {
		return t.Err.Error() // it has the name
	}
	return fmt.Sprintf("%s: %s: %v", t.File, t.At, t.Err)
}

// WriteText tells a person what differs, and how many messages became what.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, g := range r.groups {
		fmt.Fprintf(&b, "%s: %s: %s from %s\n", g.File, g.At, g.Request, g.Source)
		fmt.Fprintf(&b, "   old  %s\n   new  %s\n", decided(g.Old), decided(g.New))
		for _, line := range g.unlike() {
			b.WriteString("        " + line + "\n")
		}
		if g.count > 1 {
			fmt.Fprintf(&b, "   more that are decided so: %d\n", g.count-1)
		}
	}
	r.Counts.write(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// decided is the rules that matched and what they did.
func decided(f *Fate) string {
	if len(f.Path) == 0 {
		return f.String()
	}
	return strings.Join(f.Path, " › ") + ": " + f.String()
}

// unlike are the lines by which messages differ that went the same way.
func (d *Difference) unlike() (lines []string) {
	if d.Old.String() != d.New.String() {
		return nil
	}
	for i, was := range d.Old.settled {
		was, is := split(was), split(d.New.settled[i])
		if gone, come := without(was, is), without(is, was); len(gone)+len(come) > 0 {
			for _, line := range gone {
				lines = append(lines, "- "+line)
			}
			for _, line := range come {
				lines = append(lines, "+ "+line)
			}
		} else if !slices.Equal(was, is) {
			lines = append(lines, "the same lines in another order")
		}
	}
	return lines
}

func split(message string) []string {
	return strings.Split(strings.ReplaceAll(message, "\r\n", "\n"), "\n")
}

// without is the lines of a that are not in b, as often as they are not.
func without(a, b []string) []string {
	a = slices.Clone(a)
	for _, line := range b {
		if i := slices.Index(a, line); i >= 0 {
			a = slices.Delete(a, i, i+1)
		}
	}
	return a
}

type count struct {
	what string
	n    int
}

// some are the counts that are not 0.
func some(counts ...count) (list []string) {
	for _, c := range counts {
		if c.n > 0 {
			list = append(list, fmt.Sprintf("%s: %d", c.what, c.n))
		}
	}
	return list
}

func (c *Counts) write(b *strings.Builder) {
	for _, a := range c.Own {
		fmt.Fprintf(b, "%s is taken for the address of the listeners on all addresses\n", a)
	}
	fmt.Fprintf(b, "requests replayed: %d · differ: %d", c.Requests, c.Differ)
	for _, s := range some(count{"malformed", c.Malformed}, count{"messages", c.Messages},
		count{"recordings", c.Recordings}, count{"no message", c.Faults},
		count{"no SIP", c.Other}) {
		b.WriteString(" · " + s)
	}
	b.WriteString("\n")
	if not := some(
		count{"responses", c.Skipped.Responses},
		count{"requests to others than the router", c.Skipped.Elsewhere},
		count{"retransmissions", c.Skipped.Repeated},
		count{"ACK and CANCEL of an INVITE before", c.Skipped.Engine},
		count{"requests neither policy listens for", c.Skipped.Unreceived},
	); not != nil {
		b.WriteString("not replayed: " + strings.Join(not, " · ") + "\n")
	}
}

// What WriteJSON writes.
type (
	sentJSON struct {
		Target  string `json:"target"`
		Message string `json:"message"`
	}
	fateJSON struct {
		Path    []string   `json:"path"`
		Summary string     `json:"summary"`
		Replies []string   `json:"replies"`
		Sent    []sentJSON `json:"sent"`
	}
	differenceJSON struct {
		File     string   `json:"file"`
		Position string   `json:"position"`
		Request  string   `json:"request"`
		CallID   string   `json:"call_id"`
		Source   string   `json:"source"`
		Old      fateJSON `json:"old"`
		New      fateJSON `json:"new"`
		Count    int      `json:"count"` // of those decided so
	}
	troubleJSON struct {
		File     string `json:"file"`
		Position string `json:"position,omitempty"`
		Error    string `json:"error"`
	}
)

// WriteJSON writes the same as one document.
func (r *Report) WriteJSON(w io.Writer) error {
	out := struct {
		Differences []differenceJSON `json:"differences"`
		Trouble     []troubleJSON    `json:"trouble"`
		Counts      *Counts          `json:"counts"`
	}{[]differenceJSON{}, []troubleJSON{}, r.Counts}
	for _, g := range r.groups {
		out.Differences = append(out.Differences, differenceJSON{g.File, g.At.String(), g.Request,
			g.CallID, g.Source, g.Old.json(), g.New.json(), g.count})
	}
	for _, t := range r.Trouble {
		x := troubleJSON{File: t.File, Error: t.Err.Error()}
		if t.At != (recording.Place{}) {
			x.Position = t.At.String()
		}
		out.Trouble = append(out.Trouble, x)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func (f *Fate) json() fateJSON {
	out := fateJSON{append([]string{}, f.Path...), f.String(), []string{}, []sentJSON{}}
	for i := range f.Replies {
		out.Replies = append(out.Replies, f.Replies[i].Message)
	}
	for i := range f.Sent {
		out.Sent = append(out.Sent, sentJSON{f.Sent[i].Target(), f.Sent[i].Message})
	}
	return out
}
