package job

import (
	"slices"
	"strconv"
	"strings"

	"sipedge/sip"
	"sipedge/sip/transport"
)

// snapshot is what steps may change of a job, as text.
type snapshot struct {
	values  []Edit // Field and Before: the value now
	headers []header
}

type header struct{ name, value string }

func (j *Job) snapshot(vars func(*Job) []Edit) *snapshot {
	s := &snapshot{values: make([]Edit, 0, 8)}
	if j.Msg != nil {
		s.message(j.Msg)
	}
	var targets []string
	for i := range j.Targets {
		targets = append(targets, j.Targets[i].text())
	}
	s.set("targets", strings.Join(targets, ", "))
	s.set("record_route", truth(j.RecordRoute != nil))
	s.set("record_route.params", string(j.RRParams))
	socket := ""
	if j.SendSocket != transport.AnyListener && j.Self != nil {
		if l, ok := j.Self.Bound(j.SendSocket); ok {
			socket = l.Transport.String() + ":" + l.Addr.String()
		}
	}
	s.set("send_socket", socket)
	s.set("direction", [...]string{"", "downstream", "upstream"}[j.Direction])
	s.set("verified", truth(j.Verified))
	s.set("serialized", truth(j.Groups))
	s.values = append(s.values, vars(j)...)
	return s
}

// set takes a value; an empty one is none.
func (s *snapshot) set(field, value string) {
	if value != "" {
		s.values = append(s.values, Edit{Field: field, Before: value})
	}
}

// message takes what is in the message.
func (s *snapshot) message(m *sip.Message) {
	if m.IsRequest() {
		s.set("ruri", string(m.RURI()))
	} else {
		s.set("status", strconv.Itoa(m.Status())+" "+string(m.Reason()))
	}
	s.headers = make([]header, m.Len())
	size := 0
	for i := range m.Len() {
		size += len(m.Name(i)) + len(m.Value(i))
	}
	var all strings.Builder // all names and values, in one piece of memory
	all.Grow(size)
	take := func(b []byte) string {
		from := all.Len()
		all.Write(b)
		return all.String()[from:]
	}
	for i := range m.Len() {
		s.headers[i] = header{take(m.Name(i)), take(m.Value(i))}
	}
	s.set("body", string(m.Body()))
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func (t *Target) text() string {
	s := string(t.URI)
	if t.NextHop != nil {
		s += " by " + string(t.NextHop)
	}
	if t.Q != 1000 {
		s += " q=" + strconv.FormatFloat(float64(t.Q)/1000, 'g', -1, 64)
	}
	return s
}

// edits are the differences between two snapshots, values first.
func edits(before, after *snapshot) (out []Edit) {
	for _, a := range after.values {
		i := slices.IndexFunc(before.values, func(b Edit) bool { return b.Field == a.Field })
		old := ""
		if i >= 0 {
			old = before.values[i].Before
		}
		if old != a.Before {
			out = append(out, Edit{a.Field, old, a.Before})
		}
	}
	for _, b := range before.values {
		if !slices.ContainsFunc(after.values, func(a Edit) bool { return a.Field == b.Field }) {
			out = append(out, Edit{b.Field, b.Before, ""})
		}
	}
	return append(out, headerEdits(before.headers, after.headers)...)
}

// headerEdits compares header fields name by name: one that changed is told as
// such, of several those that went and those that came.
func headerEdits(before, after []header) (out []Edit) {
	if slices.Equal(before, after) {
		return nil
	}
	var seen []string
	for _, h := range slices.Concat(before, after) {
		if name := strings.ToLower(h.name); !slices.Contains(seen, name) {
			seen = append(seen, name)
			out = append(out, sameName(h.name, valuesOf(before, name), valuesOf(after, name))...)
		}
	}
	return out
}

func valuesOf(all []header, name string) (values []string) {
	for _, h := range all {
		if strings.EqualFold(h.name, name) {
			values = append(values, h.value)
		}
	}
	return values
}

func sameName(name string, before, after []string) (out []Edit) {
	if len(before) == 1 && len(after) == 1 {
		if before[0] != after[0] {
			out = append(out, Edit{"headers." + name, before[0], after[0]})
		}
		return out
	}
	left := slices.Clone(after)
	for _, v := range before {
		if i := slices.Index(left, v); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		out = append(out, Edit{Field: "headers." + name, Before: v})
	}
	for _, v := range left {
		out = append(out, Edit{Field: "headers." + name, After: v})
	}
	return out
}
