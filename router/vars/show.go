package vars

import (
	"strings"

	"sipedge/router/job"
)

// Show is the values of a variable as a trace shows them: the newest first,
// "" when it is unset.
func (v *Var) Show(j *job.Job) string {
	var all []string
	for depth := range v.read(j).Depth(v.slot) {
		all = append(all, string(v.field(depth).Append(nil, j, "")))
	}
	return strings.Join(all, ", ")
}
