package control

import (
	"net/http"

	"sipedge/backends"
)

// MediaNodes are the nodes of the media relays of the policy.
type MediaNodes struct {
	Nodes []MediaNode `json:"nodes" doc:"In the order of the policy."`
}

// MediaNode relays media.
type MediaNode struct {
	Backend  string `json:"backend" doc:"In the policy."`
	Address  string `json:"address" doc:"Where it takes commands."`
	Weight   int    `json:"weight" doc:"Share of new calls."`
	Enabled  bool   `json:"enabled" doc:"New calls go to it, as far as an operator says."`
	Up       bool   `json:"up" doc:"It answers."`
	Offers   uint64 `json:"offers" doc:"That it took."`
	Refused  uint64 `json:"refused" doc:"Commands that it refused."`
	Timeouts uint64 `json:"timeouts" doc:"Commands that it did not answer."`
	Lost     uint64 `json:"pings_lost" doc:"Pings that it did not answer."`
}

// Enabled is whether new calls go to a node.
type Enabled struct {
	Enabled bool `json:"enabled" doc:"false: it keeps the calls it has, and gets no more."`
}

func (s *Server) media(f func(name string, m backends.MediaNodes)) {
	s.Data().Each(func(name string, b backends.Backend) {
		if m, ok := b.(backends.MediaNodes); ok {
			f(name, m)
		}
	})
}

func (s *Server) tellMedia(http.ResponseWriter, *http.Request) (any, error) {
	all := &MediaNodes{Nodes: []MediaNode{}}
	s.media(func(name string, m backends.MediaNodes) {
		for _, n := range m.Nodes() {
			all.Nodes = append(all.Nodes, MediaNode{
				Backend: name, Address: n.Address, Weight: n.Weight, Enabled: n.Enabled, Up: n.Up,
				Offers: n.Calls, Refused: n.Errors, Timeouts: n.Timeouts, Lost: n.Lost,
			})
		}
	})
	return all, nil
}

// enableMedia takes a node out of service, or back, in every backend that has it.
func (s *Server) enableMedia(w http.ResponseWriter, r *http.Request) (any, error) {
	var to Enabled
	if err := readBody(r, &to); err != nil {
		return nil, err
	}
	address, found := r.Form.Get("node"), false
	s.media(func(_ string, m backends.MediaNodes) {
		found = m.Enable(address, to.Enabled) || found
	})
	if !found {
		return nil, refuse(http.StatusNotFound, "there is no media node %q", address)
	}
	return s.tellMedia(w, r)
}
