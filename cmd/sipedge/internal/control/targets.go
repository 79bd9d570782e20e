package control

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"sipedge/sip"
)

// Targets are those that failed lately.
type Targets struct {
	Targets []Target `json:"targets" doc:"By address."`
}

// Target is one of them.
type Target struct {
	Transport string    `json:"transport" doc:"udp, tcp, tls, sctp, ws or wss."`
	Address   string    `json:"address" doc:"IP address and port."`
	Reason    string    `json:"reason" doc:"refused; silent; busy: 503 with Retry-After."`
	Since     time.Time `json:"since" doc:"When it failed."`
	Left      float64   `json:"left" doc:"Seconds until it counts as any other again."`
}

// Cleared is how many are forgotten.
type Cleared struct {
	Cleared int `json:"cleared" doc:"Targets that count as any other again."`
}

func (s *Server) tellTargets(http.ResponseWriter, *http.Request) (any, error) {
	now, list := time.Now(), []Target{}
	for _, e := range s.Failed.List() {
		list = append(list, Target{
			Transport: e.Transport.String(), Address: e.Addr.String(), Reason: e.Reason.String(),
			Since: e.Since, Left: e.Until.Sub(now).Seconds(),
		})
	}
	return &Targets{Targets: list}, nil
}

func (s *Server) clearTargets(_ http.ResponseWriter, r *http.Request) (any, error) {
	addr, port, t, err := parseTarget(r.Form.Get("target"))
	if err != nil {
		return nil, err
	}
	n := s.Failed.Clear(addr, port, t)
	if n == 0 && addr.IsValid() {
		return nil, refuse(http.StatusNotFound, "no such target failed lately")
	}
	return &Cleared{n}, nil
}

// parseTarget reads what of targets is given.
func parseTarget(text string) (addr netip.Addr, port uint16, t sip.Transport, err error) {
	if text == "" {
		return addr, 0, sip.NoTransport, nil
	}
	where, by, given := strings.Cut(text, "/")
	t = sip.LookupTransport([]byte(by))
	if addr, port, err = parseAddress(where); err != nil || given && t == sip.NoTransport {
		return addr, 0, t, refuse(http.StatusBadRequest,
			"%q is no target: write it like 192.0.2.1, 192.0.2.1:5060 or 192.0.2.1:5060/udp", text)
	}
	return addr, port, t, nil
}
