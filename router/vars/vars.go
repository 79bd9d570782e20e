package vars

import (
	"sipedge/router/job"
	"sipedge/schema"
)

// Type of a field's value.
type Type uint8

const (
	String Type = iota
	Int
	Bool
	URI
	IP
)

// Field is one value of a message a template or matcher can name: "ruri.user", "source.ip", "headers.User-Agent".
type Field struct {
	Name   string // with "*" for an open part: "headers.*"
	Doc    string
	Type   Type
	Where  schema.Place
	Append func(dst []byte, j *job.Job, arg string) []byte // arg is what stands for "*"
}

// Fields is the registry, sorted by name.
func Fields() []Field { panic("contract") }

// Template is a compiled text with {field | pipe} placeholders; `{{` is a literal brace.
type Template struct{}

// Compile checks names, pipes and where they may stand. Positions of diagnostics point into the author's text.
func Compile(text schema.Text, where schema.Place) (*Template, schema.Diagnostics) { panic("contract") }

// Append writes the text for this job; unset fields write nothing. It allocates nothing.
func (t *Template) Append(dst []byte, j *job.Job) []byte { panic("contract") }

// Literal returns the text of a template without placeholders.
func (t *Template) Literal() (string, bool) { panic("contract") }
