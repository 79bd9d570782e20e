package action

import (
	"fmt"
	"strings"

	"sipedge/router/edit"
	"sipedge/router/job"
	"sipedge/schema"
)

// decoder reads the arguments of one step and collects what is wrong in them.
type decoder struct {
	*Env
	args  *schema.Value
	diags schema.Diagnostics
}

// build makes a constructor of a function that decodes.
func build(f func(d *decoder) job.Step) func(*Env, *schema.Value) (job.Step, schema.Diagnostics) {
	return func(e *Env, args *schema.Value) (job.Step, schema.Diagnostics) {
		d := decoder{Env: e, args: args}
		step := f(&d)
		return step, d.diags
	}
}

func (d *decoder) errorf(v *schema.Value, code schema.Code, format string, args ...any) {
	d.errorAt(v.Pos, v.Pos.Col+len(v.S), code, fmt.Sprintf(format, args...))
}

func (d *decoder) errorAt(pos schema.Pos, end int, code schema.Code, message string) {
	d.diags = append(d.diags, schema.Diagnostic{Pos: pos, End: end, Code: code, Message: message})
}

// text compiles a template; ok false: v is absent or wrong.
func (d *decoder) text(v *schema.Value) (t text, ok bool) {
	if v.Kind != schema.String {
		return text{}, false
	}
	tmpl, diags := d.Vars.Compile(schema.Text{S: v.S, Pos: v.Pos}, d.Where)
	if v.End > 0 && v.End-v.Pos.Col != len(v.S) {
		for i := range diags { // written with escapes: places in S are not those in the file
			diags[i].Pos, diags[i].End = v.Pos, v.End
		}
	}
	d.diags = append(d.diags, diags...)
	if diags.HasErrors() {
		return text{}, false
	}
	s, literal := tmpl.Literal()
	if !literal {
		return text{tmpl: tmpl}, true
	}
	if strings.ContainsAny(s, "\r\n\x00") {
		d.errorf(v, schema.BadValue, "a line break cannot be written into a message")
		return text{}, false
	}
	return text{lit: []byte(s)}, true
}

// hop is text for the URI of a next hop: sip or sips with a host.
func (d *decoder) hop(v *schema.Value) (t text, ok bool) {
	t, ok = d.text(v)
	if ok && t.literal() && !edit.IsHop(t.lit) {
		d.errorf(v, schema.BadURI, "%q is not a next hop; write it like \"sip:192.0.2.1:5060\"", v.S)
		return text{}, false
	}
	return t, ok
}

// nextHop is hop for where requests are sent to.
func (d *decoder) nextHop(v *schema.Value) (t text, ok bool) {
	t, ok = d.hop(v)
	if ok {
		d.leads(v, t, true)
	}
	return t, ok
}

// leads tells of a place that requests are sent to, if it is the policy's own.
func (d *decoder) leads(v *schema.Value, t text, next bool) {
	if d.Leads != nil && t.literal() && edit.IsHop(t.lit) {
		mark := v.Problem(0, "")
		d.Leads(Destination{URI: t.lit, Pos: mark.Pos, End: mark.End, Next: next})
	}
}

// uri is text for a Request-URI.
func (d *decoder) uri(v *schema.Value) (t text, ok bool) {
	t, ok = d.text(v)
	if ok && t.literal() && !edit.IsRequestURI(t.lit) {
		d.errorf(v, schema.BadURI, "%q is not a URI a request can go to", v.S)
		return text{}, false
	}
	return t, ok
}

// arm is the sub-route an argument names, to be run instead of the rest.
func (d *decoder) arm(key string) arm { return arm{d.route(schema.InSub, key)} }

func (d *decoder) route(of schema.Place, key string) job.Route {
	v := d.args.Get(key)
	if v.Kind != schema.String {
		return nil
	}
	return d.Route(of, v.S)
}
