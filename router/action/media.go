package action

import (
	"sipedge/router/job"
	"sipedge/router/media"
	"sipedge/router/nat"
	"sipedge/router/outbound"
)

var fixNATKind = Kind{Kind: nat.Fix, New: build(func(d *decoder) job.Step {
	return nat.NewFix(d.Proxy, d.args)
})}

var addPathKind = Kind{Kind: outbound.Path, New: build(func(d *decoder) job.Step {
	return outbound.NewPath(d.Proxy, d.args)
})}

var rtpengineKind = Kind{Kind: media.Relay, New: build(func(d *decoder) job.Step {
	onError, _ := d.taker("on_error")
	s, diags := media.New(&media.Env{Media: d.Media, Args: d.args, Arm: onError})
	d.diags = append(d.diags, diags...)
	return s
})}
