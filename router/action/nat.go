package action

import (
	"sipedge/router/job"
	"sipedge/router/nat"
)

var fixNATKind = Kind{Kind: nat.Fix, New: build(func(d *decoder) job.Step {
	return nat.NewFix(d.Proxy, d.args)
})}
