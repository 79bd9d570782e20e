package policytest

import (
	"sipedge/router/scene"
	"sipedge/schema"
)

// Surroundings are what a file of tests has all its cases find, for requests that are none of
// them.
type Surroundings struct {
	Outside scene.Outside
	Policy  *schema.Document // with the rows of tables that the file gives

	users *schema.Value
}

// Surround reads the surroundings of a policy out of a file of tests, which needs no tests and
// may be of another policy. They are nil when there are errors; err is only for what could not be
// read.
func Surround(path string, policy *schema.Document) (
	*Surroundings, schema.Source, schema.Diagnostics, error,
) {
	root, src, diags, err := form.Load(path)
	if err != nil || diags.HasErrors() {
		return nil, src, diags, err
	}
	f := &File{Path: path, src: src, doc: policy}
	if diags = append(diags, f.lowerShared(&root)...); diags.HasErrors() {
		return nil, src, diags.Sorted(), nil
	}
	return &Surroundings{
		Outside: f.outside, Policy: withTables(policy, root.Get("tables")), users: root.Get("users"),
	}, src, diags, nil
}

// Login is a user of the file, alice@example.net, or alice if there is one alone.
func (s *Surroundings) Login(name string) (scene.Login, error) { return login(s.users, name) }
