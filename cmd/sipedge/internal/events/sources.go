package events

import (
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/router/failed"
	"sipedge/router/gateway"
)

// Contact is of E_UL_CONTACT_INSERT, E_UL_CONTACT_UPDATE and E_UL_CONTACT_DELETE.
type Contact struct {
	Domain    string    `json:"domain"` // the location store
	AOR       string    `json:"aor"`
	URI       string    `json:"uri"`
	Received  string    `json:"received,omitempty"`
	Path      string    `json:"path,omitempty"`
	Q         float64   `json:"qval"`
	UserAgent string    `json:"user_agent,omitempty"`
	Socket    string    `json:"socket,omitempty"`
	Expires   time.Time `json:"expires"`
	CallID    string    `json:"callid"`
	CSeq      uint32    `json:"cseq"`
	Attr      string    `json:"attr,omitempty"`
	Reason    string    `json:"reason,omitempty"` // of a delete: removed or expired
}

// Gateway is of E_DISPATCHER_STATUS.
type Gateway struct {
	Group   string `json:"group"` // the set
	Address string `json:"address"`
	Status  string `json:"status"` // active or inactive
	State   string `json:"state"`  // of gateway.StateNames
}

// Media is of E_RTPENGINE_STATUS.
type Media struct {
	Set     string `json:"set"` // the backend
	Socket  string `json:"socket"`
	Status  string `json:"status"` // active or inactive
	Enabled bool   `json:"enabled"`
	Up      bool   `json:"up"`
}

// Backend is of E_BACKEND_STATUS.
type Backend struct {
	Backend string `json:"backend"`
	Breaker string `json:"breaker"`         // closed, open or half-open
	Error   string `json:"error,omitempty"` // that opened it
}

// Target is of E_TARGET_STATUS.
type Target struct {
	Address   string `json:"address"`
	Transport string `json:"transport"`
	Status    string `json:"status"` // failed or cleared
	Reason    string `json:"reason"` // of the failure
}

// Certificate is of E_CERTIFICATE_STATUS.
type Certificate struct {
	Certificate string `json:"certificate"`
	Status      string `json:"status"` // reloaded or failed
	Error       string `json:"error,omitempty"`
}

// Reload is of E_RELOAD.
type Reload struct {
	Status     string `json:"status"` // done or failed
	Generation int64  `json:"generation"`
	Error      string `json:"error,omitempty"`
}

// Drain is of E_DRAIN.
type Drain struct {
	Live  int64   `json:"live"` // that have no final response yet
	Bound float64 `json:"bound_seconds"`
}

func activity(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}

// Watch has the hub told by backends of a policy, by each once; turned is told with it of breakers.
func (h *Hub) Watch(all *backends.Services, turned func(backend string, turn backends.Turn)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := map[backends.Backend]bool{}
	all.Each(func(name string, b backends.Backend) {
		if now[b] = true; h.watched[b] {
			return
		}
		if l, ok := b.(backends.Locations); ok {
			l.Watch(func(e backends.Event) { h.bound(name, e) })
		}
		if m, ok := b.(backends.MediaNodes); ok {
			m.WatchNodes(func(n backends.MediaNode) { h.media(name, n) })
		}
		if g, ok := b.(interface{ WatchBreaker(func(backends.Turn)) }); ok {
			g.WatchBreaker(func(turn backends.Turn) {
				turned(name, turn)
				h.breaker(name, turn)
			})
		}
	})
	h.watched = now
}

// bindings are the kinds and reasons of what becomes of bindings.
var bindings = map[backends.EventKind]struct {
	kind   Kind
	reason string
}{
	backends.Inserted: {ContactInsert, ""}, backends.Updated: {ContactUpdate, ""},
	backends.Removed: {ContactDelete, "removed"}, backends.Expired: {ContactDelete, "expired"},
}

func (h *Hub) bound(store string, e backends.Event) {
	of := bindings[e.Kind]
	if !h.Wants(of.kind) {
		return
	}
	b := e.Binding
	h.Publish(of.kind, Contact{
		Domain: store, AOR: string(e.AOR), URI: string(b.Contact), Received: string(b.Received),
		Path: string(b.Path), Q: float64(b.Q) / 1000, UserAgent: string(b.UserAgent),
		Socket: string(b.Listener), Expires: b.Expires, CallID: string(b.CallID), CSeq: b.CSeq,
		Attr: string(b.Attr), Reason: of.reason,
	})
}

func (h *Hub) breaker(backend string, turn backends.Turn) {
	b := Backend{Backend: backend, Breaker: turn.Is.String()}
	if turn.Cause != nil {
		b.Error = turn.Cause.Error()
	}
	h.Publish(BackendStatus, b)
}

func (h *Hub) media(backend string, n backends.MediaNode) {
	h.Publish(MediaStatus, Media{
		Set: backend, Socket: "udp:" + n.Address, Status: activity(n.Up && n.Enabled),
		Enabled: n.Enabled, Up: n.Up,
	})
}

// Gateway is told of gateways whose state has changed.
func (h *Hub) Gateway(s gateway.Status) {
	state := s.State()
	h.Publish(GatewayStatus, Gateway{s.Set, s.URI, activity(state == "up"), state})
}

// Target is told of targets that failed, or are forgotten before their time.
func (h *Hub) Target(e failed.Entry, isFailed bool) {
	status := "cleared"
	if isFailed {
		status = "failed"
	}
	h.Publish(TargetStatus, Target{
		Address: e.Addr.String(), Transport: strings.ToLower(e.Transport.String()), Status: status,
		Reason: e.Reason.String(),
	})
}

// Certificate is told of certificates that were read again, or could not be.
func (h *Hub) Certificate(name string, err error) {
	c := Certificate{Certificate: name, Status: "reloaded"}
	if err != nil {
		c.Status, c.Error = "failed", err.Error()
	}
	h.Publish(CertificateStatus, c)
}
