package action

import (
	"context"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/router/vars"
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
			edit.AddHeader(j.Msg, f.name, value)
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
		edit.SetHeader(j.Msg, f.name, f.value.expand(j))
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

// appendLine appends the field as a whole line; nothing when its text is empty.
func (f *field) appendLine(dst []byte, j *job.Job) []byte {
	return edit.AppendHeader(dst, f.name, f.value.expand(j))
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
	if name == "" || !vars.Token(name) {
		d.errorAt(pos, end, schema.BadHeaderName, `"`+name+`" is not the name of a header`)
		return false
	}
	if id := sip.LookupHeader([]byte(name)); edit.IsOwned(id) {
		d.errorAt(pos, end, schema.ReservedField, id.String()+" is written by the engine alone")
		return false
	}
	return true
}
