package scene

import (
	"context"

	"sipedge/router/enum"
	"sipedge/sip/resolve"
)

// Numbers are the URIs that telephone numbers stand for, the most preferred first; nil: the DNS
// can't answer. Others stand for nothing.
type Numbers map[string][]string

// Find implements enum.Finder.
func (n Numbers) Find(_ context.Context, q *enum.Question) (found []enum.Result, err error) {
	list, said := n[q.Number]
	if said && list == nil {
		return nil, resolve.ErrServers
	}
	for i, uri := range list {
		found = append(found, enum.Result{URI: uri, Rank: i})
	}
	return found, nil
}
