package vars

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sipedge/router/job"
	"sipedge/schema"
)

// Field is one value of a message a template or matcher can name: "ruri.user",
// "source.ip", "headers.User-Agent". A value that is unset writes nothing.
type Field struct {
	Name  string // with "*" for an open part: "headers.*"
	Doc   string // a sentence
	Type  Type
	Where schema.Place
	// Append writes the value; arg is what stands for "*". It allocates nothing.
	Append func(dst []byte, j *job.Job, arg string) []byte
	// At writes one of several values by its number from 0, or from the end when
	// negative; nil: there is one at most. Append writes the first.
	At func(dst []byte, j *job.Job, arg string, n int) []byte
	// The value itself, for those who compare it; nil but for the field's type.
	Int  func(j *job.Job) (n int64, ok bool) // ok: set
	Bool func(j *job.Job) (b, ok bool)
	Addr func(j *job.Job) netip.Addr // the zero Addr: unset
}

// Where fields exist. A response has no Request-URI; a request no status; what the
// router made itself came from nowhere.
const (
	inRequests = inReceived&^schema.InReply | schema.InLocal
	inMessages = inRequests | schema.InReply
	inReceived = schema.InRequest | schema.InBranch | schema.InFailure | schema.InReply |
		schema.InError
	inResults = schema.InFailure | schema.InReply
)

var registry = func() []Field {
	all := slices.Concat(messageFields, uriFields(), originalFields(), viaFields, networkFields,
		authFields, peerFields, resultFields, timeFields, branchFields, stateFields)
	for i := range all {
		all[i].fill()
	}
	slices.SortFunc(all, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return all
}()

// Fields is the registry, sorted by name.
func Fields() []Field { return slices.Clone(registry) }

// Lookup finds the field a name means: "headers.Subject" is the field
// "headers.*" with the argument "Subject".
func Lookup(name string) (f *Field, arg string, ok bool) {
	for i := range registry {
		f := &registry[i]
		if f.Name == name {
			return f, "", !f.open()
		}
		if base, open := strings.CutSuffix(f.Name, "*"); open {
			if arg, is := strings.CutPrefix(name, base); is && arg != "" {
				return f, arg, true
			}
		}
	}
	return nil, "", false
}

func (f *Field) open() bool { return strings.HasSuffix(f.Name, "*") }

// fill derives type and Append of a field that is given by its value.
func (f *Field) fill() {
	switch {
	case f.Int != nil:
		value := f.Int
		f.Type = Int
		f.Append = func(dst []byte, j *job.Job, _ string) []byte {
			if n, ok := value(j); ok {
				dst = strconv.AppendInt(dst, n, 10)
			}
			return dst
		}
	case f.Bool != nil:
		value := f.Bool
		f.Type = Bool
		f.Append = func(dst []byte, j *job.Job, _ string) []byte {
			if b, ok := value(j); ok {
				dst = strconv.AppendBool(dst, b)
			}
			return dst
		}
	case f.Addr != nil:
		value := f.Addr
		f.Type = IP
		f.Append = func(dst []byte, j *job.Job, _ string) []byte {
			if a := value(j); a.IsValid() {
				dst = a.AppendTo(dst)
			}
			return dst
		}
	}
}
