package sip

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// model is a message as simply as it can be held: a list of names and
// values. What a Message reads as after edits must be what the model holds.
type model struct {
	ruri   string
	fields []pair
	body   string
}

type pair struct {
	id          HeaderID
	name, value string
}

func newModel(m *Message) *model {
	d := &model{ruri: string(m.RURI()), body: string(m.Body())}
	for i := range m.Len() {
		d.fields = append(d.fields, pair{m.ID(i), string(m.Name(i)), string(m.Value(i))})
	}
	return d
}

func (d *model) String() string {
	return fmt.Sprintf("%q %v %q", d.ruri, d.fields, d.body)
}

func (d *model) insert(at int, name, value string) {
	id := LookupHeader([]byte(name))
	if id == ContentLength {
		if slices.ContainsFunc(d.fields, func(p pair) bool { return p.id == id }) {
			return
		}
		value = fmt.Sprint(len(d.body))
	}
	d.fields = slices.Insert(d.fields, at, pair{id, name, value})
}

func (d *model) edges(id HeaderID) (first, last int) {
	first, last = -1, -1
	for i, p := range d.fields {
		if p.id == id {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	return first, last
}

// elements splits a value that holds no quotes and no commas in brackets.
func (p pair) elements() []string {
	var all []string
	for _, e := range strings.Split(p.value, ",") {
		if e = strings.Trim(e, " \t\r\n"); e != "" {
			all = append(all, e)
		}
	}
	return all
}

var (
	someNames = []string{"Via", "v", "Route", "Contact", "m", "X-Any", "x-any", "Subject", "l",
		"Supported", "Content-Type"}
	someIDs    = []HeaderID{Via, Route, Contact, Subject, Supported, RecordRoute, ContentLength}
	someValues = []string{"", "a", "SIP/2.0/UDP h;branch=z9hG4bKx", "<sip:a@b>", "a, b ,c", ", a,,"}
)

// step applies one random edit to both.
func step(t *rapid.T, m *Message, d *model) {
	value := rapid.SampledFrom(someValues).Draw(t, "value")
	id := rapid.SampledFrom(someIDs).Draw(t, "id")
	at := rapid.IntRange(0, m.Len()).Draw(t, "at")
	first, last := d.edges(id)
	switch rapid.IntRange(0, 9).Draw(t, "edit") {
	case 0:
		d.ruri = rapid.SampledFrom([]string{"sip:x", "sip:longer@example.com;lr"}).Draw(t, "ruri")
		m.SetRURI([]byte(d.ruri))
	case 1:
		if i := at; i < m.Len() {
			d.fields[i].value = value
			if d.fields[i].id == ContentLength {
				d.fields[i].value = fmt.Sprint(len(d.body))
			}
			m.SetValue(i, []byte(value))
		}
	case 2:
		if i := at; i < m.Len() {
			d.fields = slices.Delete(d.fields, i, i+1)
			m.Remove(i)
		}
	case 3:
		name := rapid.SampledFrom(someNames).Draw(t, "name")
		d.insert(at, name, value)
		m.InsertNamed(at, name, []byte(value))
	case 4:
		d.insert(max(first, 0), id.String(), value)
		m.Prepend(id, []byte(value))
	case 5:
		if last++; last == 0 {
			last = len(d.fields)
		}
		d.insert(last, id.String(), value)
		m.Append(id, []byte(value))
	case 6:
		name := rapid.SampledFrom(someNames).Draw(t, "name")
		want := LookupHeader([]byte(name))
		d.fields = slices.DeleteFunc(d.fields, func(p pair) bool {
			return p.id == want && (want != HeaderOther || strings.EqualFold(p.name, name))
		})
		m.RemoveAll(name)
	case 7:
		stepElement(t, m, d, first)
	case 8:
		d.body = rapid.SampledFrom([]string{"", "x", "longer body"}).Draw(t, "body")
		setBody(d)
		m.SetBody("a/b", []byte(d.body))
	case 9:
		m.MarkReceived(source, false)
		d.fields = newModel(m).fields // has its own table
	}
}

// stepElement removes or replaces an element of the field at i.
func stepElement(t *rapid.T, m *Message, d *model, i int) {
	if i < 0 || d.fields[i].id == ContentLength {
		return
	}
	all := d.fields[i].elements()
	e, ok := m.FirstElement(d.fields[i].id)
	for ok && int(e.field) < i {
		e, ok = m.NextElement(e)
	}
	if len(all) == 0 {
		return
	}
	n := rapid.IntRange(0, len(all)-1).Draw(t, "element")
	for range n {
		e, _ = m.NextElement(e)
	}
	if rapid.Bool().Draw(t, "remove") {
		m.RemoveElement(e)
		all = slices.Delete(all, n, n+1)
	} else {
		m.SetElement(e, []byte("new"))
		all[n] = "new"
	}
	if len(all) == 0 {
		d.fields = slices.Delete(d.fields, i, i+1)
		return
	}
	got := pair{value: string(m.Value(i))}.elements()
	if !slices.Equal(got, all) {
		t.Fatalf("elements: want %q, got %q", all, got)
	}
	d.fields[i].value = string(m.Value(i)) // the separators are the message's
}

func setBody(d *model) {
	if i, _ := d.edges(ContentType); d.body == "" {
		d.fields = slices.DeleteFunc(d.fields, func(p pair) bool { return p.id == ContentType })
	} else if i >= 0 {
		d.fields[i].value = "a/b"
	} else {
		d.fields = append(d.fields, pair{ContentType, "Content-Type", "a/b"})
	}
	if i, _ := d.edges(ContentLength); i >= 0 {
		d.fields[i].value = fmt.Sprint(len(d.body))
	} else {
		d.fields = append(d.fields, pair{ContentLength, "Content-Length", fmt.Sprint(len(d.body))})
	}
}

func TestEditModel(t *testing.T) {
	var m, copied Message // reused, as a worker does
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{invite, options, odd, received}).Draw(t, "message")
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		d := newModel(&m)
		for range rapid.IntRange(1, 12).Draw(t, "edits") {
			step(t, &m, d)
			if got := newModel(&m).String(); got != d.String() {
				t.Fatalf("model\n%s\nmessage\n%s", d, got)
			}
		}
		wire := m.AppendTo(nil)
		if head := string(m.AppendHead(nil)); head+string(m.Body()) != string(wire) {
			t.Fatalf("head %q, whole %q", head, wire)
		}
		if len(wire) != m.WireLen() {
			t.Fatalf("WireLen %d, wrote %d", m.WireLen(), len(wire))
		}
		var again Message
		_ = again.Parse(wire) // edits may have taken what a message needs
		if dump(&again) != dump(&m) {
			t.Fatalf("message\n%s\nwritten as\n%s", dump(&m), dump(&again))
		}
		copied.CopyFrom(&m)
		if dump(&copied) != dump(&m) || !bytes.Equal(copied.AppendTo(nil), wire) {
			t.Fatalf("message\n%s\ncopied as\n%s", dump(&m), dump(&copied))
		}
	})
}
