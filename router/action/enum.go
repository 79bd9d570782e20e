package action

import (
	"sipedge/router/enum"
	"sipedge/router/job"
)

var enumKind = Kind{Kind: enum.Kind, New: build(func(d *decoder) job.Step {
	return enum.New(&enum.Env{
		Proxy: d.Proxy, Finder: d.Numbers, Args: d.args, Text: d.appender,
		Arm: func(key string) (enum.Arm, bool) { return d.taker(key) },
	})
})}
