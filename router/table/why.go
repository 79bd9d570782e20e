package table

import (
	"slices"
	"strings"

	"sipedge/router/job"
	"sipedge/router/vars"
)

// Why re-evaluates one rule, slowly, for a trace. When it does not match it
// names the first matcher in the rule that does not hold, cheap ones first, and
// the value it saw.
func (t *Table) Why(j *job.Job, rule int) (miss job.Miss, matches bool) {
	f := borrow(j)
	defer f.release()
	for i := range t.rules[rule] {
		if c := &t.rules[rule][i]; !c.holds(f) {
			return job.Miss{Field: c.field, Value: c.saw(j)}, false
		}
	}
	return job.Miss{}, true
}

// about is the fields a condition reads.
func (c *condition) about() []string {
	if c.of != nil {
		return c.of
	}
	return []string{c.field}
}

// saw is the value of the condition's field as text; of several, each with its name.
func (c *condition) saw(j *job.Job) string {
	if c.of == nil {
		return shown(j, c.field)
	}
	var all []string
	for _, field := range c.of {
		if v := shown(j, field); v != "" {
			all = append(all, field+" "+v)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// renamed are matchers whose field has another name in templates.
var renamed = map[string]string{
	"uri.myself": "ruri", "from.myself": "from.uri", "to.myself": "to.uri",
	"source": "source.ip", "source_port": "source.port",
}

// shown is what the field of templates behind a matcher says, as Go quotes it.
func shown(j *job.Job, matcher string) string {
	name := matcher
	if other, ok := renamed[matcher]; ok {
		name = other
	} else if strings.HasPrefix(name, "uri.") {
		name = "r" + name
	}
	field, arg, ok := vars.Lookup(name)
	if !ok || field.Where&j.Place == 0 {
		return ""
	}
	text := string(field.Append(nil, j, arg))
	switch {
	case field.Type == vars.Int, field.Type == vars.Bool, field.Type == vars.IP:
		if text == "" {
			return "unset"
		}
		return text
	case text == "":
		return "empty or absent"
	}
	return `"` + text + `"`
}
