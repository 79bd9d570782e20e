package action

import (
	"context"

	"sipedge/router/job"
	"sipedge/schema"
	"sipedge/sip"
)

const headerPlaces = schema.InRequest | schema.InBranch | schema.InFailure | schema.InReply |
	schema.InLocal

var addHeaderKind = Kind{
	Kind: schema.Kind{
		Name: "add_header",
		Doc: "Adds header fields, each behind the last of its name. A text that comes out " +
			"empty adds nothing. Fields the protocol rests on are the engine's and refused.",
		Schema: `{[#HeaderName]: #Text}`,
		Where:  headerPlaces,
	},
	New: build(func(d *decoder) job.Step { return &addHeader{d.lines(d.args)} }),
}

type addHeader struct{ fields []field }

func (s *addHeader) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for i := range s.fields {
		f := &s.fields[i]
		if value := f.value.expand(j); len(value) > 0 {
			f.insert(j.Msg, value)
		}
	}
	return job.Next, nil
}

var setHeaderKind = Kind{
	Kind: schema.Kind{
		Name: "set_header",
		Doc: "Sets header fields: the first of the name takes the text, further ones go; " +
			"without one it is added. A text that comes out empty removes the field.",
		Schema: `{[#HeaderName]: #Text}`,
		Where:  headerPlaces,
	},
	New: build(func(d *decoder) job.Step { return &setHeader{d.lines(d.args)} }),
}

type setHeader struct{ fields []field }

func (s *setHeader) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for i := range s.fields {
		f := &s.fields[i]
		value := f.value.expand(j)
		first := j.Msg.Find(f.name)
		switch {
		case len(value) == 0:
			j.Msg.RemoveAll(f.name)
		case first < 0:
			f.insert(j.Msg, value)
		default:
			for next := j.Msg.Next(first); next >= 0; next = j.Msg.Next(first) {
				j.Msg.Remove(next)
			}
			j.Msg.SetValue(first, value)
		}
	}
	return job.Next, nil
}

var removeHeaderKind = Kind{
	Kind: schema.Kind{
		Name:   "remove_header",
		Doc:    "Removes every header field of a name, or of each in a list.",
		Schema: `#HeaderName | [#HeaderName, ...#HeaderName]`,
		Where:  headerPlaces,
	},
	New: build(func(d *decoder) job.Step {
		s := &removeHeader{}
		d.args.Each(func(v *schema.Value) {
			if d.writable(v.S, v.Pos) {
				s.names = append(s.names, v.S)
			}
		})
		return s
	}),
}

type removeHeader struct{ names []string }

func (s *removeHeader) Run(_ context.Context, j *job.Job) (job.Verdict, error) {
	for _, name := range s.names {
		j.Msg.RemoveAll(name)
	}
	return job.Next, nil
}

// field is a header field a step writes.
type field struct {
	name  string
	value text
}

// insert puts the field behind the last of its name, or at the end.
func (f *field) insert(m *sip.Message, value []byte) {
	at := m.Len()
	for i := m.Find(f.name); i >= 0; i = m.Next(i) {
		at = i + 1
	}
	m.InsertNamed(at, f.name, value)
}

// appendLine appends the field as a whole line; nothing when its text is empty.
func (f *field) appendLine(dst []byte, j *job.Job) []byte {
	value := f.value.expand(j)
	if len(value) == 0 {
		return dst
	}
	dst = append(append(dst, f.name...), ": "...)
	dst = appendLine(dst, value)
	return append(dst, "\r\n"...)
}

// lines decodes a map of header fields.
func (d *decoder) lines(v *schema.Value) []field {
	var fields []field
	for i := range v.Keys {
		k := &v.Keys[i]
		if !d.writable(k.Name, k.Pos) {
			continue
		}
		if value, ok := d.text(&k.Value); ok {
			fields = append(fields, field{k.Name, value})
		}
	}
	return fields
}

// writable reports whether a policy may write the header field; what is wrong with it is told.
func (d *decoder) writable(name string, pos schema.Pos) bool {
	end := pos.Col + len(name)
	if name == "" || !isToken(name) {
		d.errorAt(pos, end, schema.BadHeaderName, `"`+name+`" is not the name of a header`)
		return false
	}
	if id := sip.LookupHeader([]byte(name)); owned(id) {
		d.errorAt(pos, end, schema.ReservedField, id.String()+" is written by the engine alone")
		return false
	}
	return true
}

// owned reports whether the engine answers for the header field: what it says is what the
// transaction, the dialog path and the framing rest on.
func owned(id sip.HeaderID) bool {
	switch id {
	case sip.Via, sip.From, sip.To, sip.CallID, sip.CSeq, sip.MaxForwards, sip.MaxBreadth,
		sip.Route, sip.RecordRoute, sip.ContentLength, sip.ContentType, sip.ContentEncoding,
		sip.Timestamp:
		return true
	}
	return false
}

// isToken is RFC 3261 §25.1, token.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		default:
			switch c {
			case '-', '.', '!', '%', '*', '_', '+', '`', '\'', '~':
			default:
				return false
			}
		}
	}
	return true
}
