package policytest

import (
	"bytes"
	"cmp"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sipedge/schema"
)

// Update writes the rules that matched and the reply that came, if a request was
// given, into the expectations of a test file, and where requests went where that
// is expected. All else in the file stays as it is. Results are of that file alone;
// conversations and cases that could not be carried out are left alone.
func Update(path string, results []Result) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	u := updater{src: src}
	for i := range results {
		if r := &results[i]; r.Error == "" && r.Case.Flow == "" {
			u.update(r)
		}
	}
	if len(u.edits) == 0 {
		return nil
	}
	slices.SortFunc(u.edits, func(a, b edit) int { return cmp.Compare(b.from, a.from) })
	for _, e := range u.edits {
		src = slices.Concat(src[:e.from], []byte(e.text), src[e.to:])
	}
	if bytes.Equal(src, u.src) {
		return nil
	}
	return os.WriteFile(path, src, 0o644)
}

type edit struct {
	from, to int // bytes of the file
	text     string
}

type updater struct {
	src   []byte
	edits []edit
}

// update brings the expectations of one case up to date.
func (u *updater) update(r *Result) {
	want := r.Case.expect
	var missing []string
	put := func(key, text string, add bool) {
		for i := range want.Keys {
			if k := &want.Keys[i]; k.Name == key {
				u.replace(k, want.Flow, text)
				return
			}
		}
		if add {
			missing = append(missing, key+": "+text)
		}
	}
	put("path", r.path(), true)
	v := want.Get("reply")
	if r.Case.Run == (Run{}) && (v.Kind != schema.Map || failed(r, "reply")) {
		put("reply", r.reply(), true)
	}
	if failed(r, "relayed_to") {
		put("relayed_to", r.targets(), false)
	}
	if missing != nil {
		u.add(r.Case.value, want, missing)
	}
}

func failed(r *Result, what string) bool {
	return slices.ContainsFunc(r.Failed, func(f Failure) bool {
		return f.What == what || strings.HasPrefix(f.What, what+".")
	})
}

// replace writes another value behind a key.
func (u *updater) replace(k *schema.Key, flow bool, text string) {
	from, to := u.extent(k, flow)
	u.edits = append(u.edits, edit{from, to, " " + text})
}

// add writes entries a case does not have yet.
func (u *updater) add(c, want *schema.Value, entries []string) {
	switch {
	case want.Kind == schema.Map && len(want.Keys) > 0:
		first := &want.Keys[0]
		at := u.offset(first.Pos)
		between := "\n" + strings.Repeat(" ", first.Pos.Col-1)
		if want.Flow {
			between = ", "
		}
		text := strings.Join(entries, between) + between
		u.edits = append(u.edits, edit{at, at, text})
	case c.Has("expect"):
		for i := range c.Keys {
			if k := &c.Keys[i]; k.Name == "expect" {
				u.replace(k, c.Flow, "{"+strings.Join(entries, ", ")+"}")
			}
		}
	default:
		last := &c.Keys[len(c.Keys)-1]
		_, at := u.extent(last, c.Flow)
		before := "\n" + strings.Repeat(" ", last.Pos.Col-1)
		if c.Flow {
			before = ", "
		}
		u.edits = append(u.edits, edit{at, at, before + "expect: {" + strings.Join(entries, ", ") + "}"})
	}
}

func (u *updater) offset(p schema.Pos) int {
	at := 0
	for range p.Line - 1 {
		at += bytes.IndexByte(u.src[at:], '\n') + 1
	}
	return at + p.Col - 1
}

// extent is where the value of a key stands, from behind the colon.
func (u *updater) extent(k *schema.Key, flow bool) (from, to int) {
	from = u.offset(k.Pos)
	from += bytes.IndexByte(u.src[from:], ':') + 1
	at := from
	for at < len(u.src) && u.src[at] == ' ' {
		at++
	}
	switch {
	case at == len(u.src) || u.src[at] == '\n' || u.src[at] == '#' ||
		u.src[at] == '|' || u.src[at] == '>':
		return from, u.block(at, k.Pos.Col-1)
	case u.src[at] == '[' || u.src[at] == '{':
		return from, u.brackets(at)
	case u.src[at] == '"' || u.src[at] == '\'':
		return from, u.quoted(at)
	}
	ends := "\n"
	if flow {
		ends = "\n,}]"
	}
	for at < len(u.src) && strings.IndexByte(ends, u.src[at]) < 0 &&
		!bytes.HasPrefix(u.src[at:], []byte(" #")) {
		at++
	}
	return from, at
}

// block is the end of what stands deeper than a key, on the lines behind at.
func (u *updater) block(at, indent int) int {
	end := at
	for at < len(u.src) {
		next := bytes.IndexByte(u.src[at:], '\n')
		if next < 0 {
			return len(u.src)
		}
		at += next + 1
		line := u.src[at:]
		depth := len(line) - len(bytes.TrimLeft(line, " "))
		switch rest := line[depth:]; {
		case len(rest) == 0:
			return end
		case rest[0] == '\n':
			continue
		case depth < indent, depth == indent && !bytes.HasPrefix(rest, []byte("- ")):
			return end
		}
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			end = at + n
		} else {
			end = len(u.src)
		}
	}
	return end
}

// brackets is the end of what a bracket opens.
func (u *updater) brackets(at int) int {
	for depth := 0; at < len(u.src); at++ {
		switch u.src[at] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"', '\'':
			at = u.quoted(at) - 1
		}
	}
	return at
}

// quoted is the end of a text in quotes.
func (u *updater) quoted(at int) int {
	quote := u.src[at]
	for at++; at < len(u.src) && u.src[at] != quote; at++ {
		if quote == '"' && u.src[at] == '\\' {
			at++
		}
	}
	return min(at+1, len(u.src))
}

var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9]$`)

// yamlText is a text as YAML has it within brackets.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off":
		return strconv.Quote(s)
	}
	if plainText.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
