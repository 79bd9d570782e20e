package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sipedge/backends"
	"sipedge/router/registrar"
	"sipedge/sip"
)

// stored is a location store with its name.
type stored struct {
	backends.Locations
	name string
}

// locations finds the store that a request names; the only one needs no name.
func (s *Server) locations(r *http.Request) (l stored, err error) {
	want := r.Form.Get("location")
	var all []string
	s.Data().Each(func(name string, b backends.Backend) {
		store, ok := b.(backends.Locations)
		if !ok {
			return
		}
		if all = append(all, name); want == "" || want == name {
			l = stored{store, name}
		}
	})
	switch {
	case len(all) == 0:
		return l, refuse(http.StatusNotFound, "the policy has no location store")
	case want == "" && len(all) > 1:
		return l, refuse(http.StatusBadRequest, "which location store? %s", strings.Join(all, ", "))
	case l.Locations == nil:
		return l, refuse(http.StatusNotFound, "%q is no location store: %s", want,
			strings.Join(all, ", "))
	}
	return l, nil
}

// addressed is the store and the address of record that a request names.
func (s *Server) addressed(r *http.Request) (l stored, aor []byte, err error) {
	if l, err = s.locations(r); err != nil {
		return l, nil, err
	}
	text := r.Form.Get("aor")
	aor, ok := registrar.AppendAOR(nil, l.Traits().Names, []byte(text))
	if !ok {
		return l, nil, refuse(http.StatusBadRequest, "%q is no address of record: user@host, or a URI",
			text)
	}
	return l, aor, nil
}

// streamEvery is how much of a list leaves at once, in bytes.
const streamEvery = 32 << 10

// streamBindings writes the bindings of a store, a line each address of record. The store is locked
// by none of it for longer than it lists the addresses of a shard; a client that does not read
// loses the rest.
func (s *Server) streamBindings(w http.ResponseWriter, r *http.Request) (any, error) {
	l, err := s.locations(r)
	if err != nil {
		return nil, err
	}
	left, prefix := math.MaxInt, r.Form.Get("prefix")
	if text := r.Form.Get("limit"); text != "" {
		if left, err = strconv.Atoi(text); err != nil || left < 1 {
			return nil, refuse(http.StatusBadRequest, "limit is a number from 1, not %q", text)
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := bufio.NewWriterSize(&patient{w}, streamEvery)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	wrote := false
	err = l.All(r.Context(), time.Now(), func(aor []byte, set *backends.Set) bool {
		if !strings.HasPrefix(string(aor), prefix) {
			return true
		}
		wrote = true
		left--
		return lines.Encode(l.bound(aor, set)) == nil && left > 0 // out keeps the error
	})
	switch {
	case err == nil && out.Flush() == nil:
		return nil, nil
	case err != nil && !wrote:
		return nil, err
	}
	panic(http.ErrAbortHandler) // so that the client knows that something is missing
}

// patient gives the client of a long answer time anew with each piece.
type patient struct{ http.ResponseWriter }

func (p *patient) Write(b []byte) (int, error) {
	moreTime(p.ResponseWriter, writeTime)
	return p.ResponseWriter.Write(b)
}

func (s *Server) tellBinding(_ http.ResponseWriter, r *http.Request) (any, error) {
	l, aor, err := s.addressed(r)
	if err != nil {
		return nil, err
	}
	return l.tell(r.Context(), aor)
}

// tell is what is bound to an address of record.
func (s *stored) tell(ctx context.Context, aor []byte) (any, error) {
	var set backends.Set
	if err := s.Lookup(ctx, aor, time.Now(), &set); err != nil {
		return nil, err
	}
	if len(set.Bindings) == 0 {
		return nil, refuse(http.StatusNotFound, "%s has no binding", aor)
	}
	return s.bound(aor, &set), nil
}

func (s *Server) addBinding(_ http.ResponseWriter, r *http.Request) (any, error) {
	l, aor, err := s.addressed(r)
	if err != nil {
		return nil, err
	}
	var a Addition
	if err := readBody(r, &a); err != nil {
		return nil, err
	}
	now, q, lives := time.Now(), 1.0, time.Hour.Seconds()
	if a.Q != nil {
		q = *a.Q
	}
	if a.Expires != 0 {
		lives = min(max(a.Expires, -1), math.MaxUint32) // a time.Duration holds it
	}
	change, err := registrar.NewAddition(backends.Binding{
		Contact: []byte(a.Contact), Q: int(math.Round(q * 1000)), Path: []byte(a.Path),
		Received: []byte(a.Received), UserAgent: []byte("sipedge ctl"),
		Expires: now.Add(time.Duration(lives * float64(time.Second))),
	}, now)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "%s", err)
	}
	if err := l.Update(r.Context(), aor, now, change); err != nil {
		return nil, err
	}
	return l.tell(r.Context(), aor)
}

func (s *Server) removeBinding(_ http.ResponseWriter, r *http.Request) (any, error) {
	l, aor, err := s.addressed(r)
	if err != nil {
		return nil, err
	}
	change := registrar.Removal{Contact: []byte(r.Form.Get("contact"))}
	if err := l.Update(r.Context(), aor, time.Now(), &change); err != nil {
		return nil, err
	}
	switch {
	case change.Removed > 0:
		return &Removed{Removed: change.Removed}, nil
	case len(change.Contact) > 0:
		return nil, refuse(http.StatusNotFound, "%s has no binding to %s", aor, change.Contact)
	}
	return nil, refuse(http.StatusNotFound, "%s has no binding", aor)
}

// flushBindings removes one address of record after the other.
func (s *Server) flushBindings(_ http.ResponseWriter, r *http.Request) (any, error) {
	l, err := s.locations(r)
	if err != nil {
		return nil, err
	}
	var change registrar.Removal
	var failed error
	removed := 0
	err = l.All(r.Context(), time.Now(), func(aor []byte, _ *backends.Set) bool {
		if failed = l.Update(r.Context(), aor, time.Now(), &change); failed == nil {
			removed += change.Removed
		}
		return failed == nil
	})
	if failed == nil {
		failed = err
	}
	if failed != nil {
		return nil, fmt.Errorf("%d bindings are removed, then: %w", removed, failed)
	}
	return &Removed{Removed: removed}, nil
}

// bound makes a document of bindings.
func (s *stored) bound(aor []byte, set *backends.Set) *Bound {
	now := time.Now()
	b := &Bound{
		Location: s.name, AOR: string(aor), Bindings: make([]Binding, len(set.Bindings)),
	}
	for i := range set.Bindings {
		b.Bindings[i] = tellOf(&set.Bindings[i], now)
	}
	return b
}

func tellOf(b *backends.Binding, now time.Time) Binding {
	t := Binding{
		ID: strconv.FormatUint(b.ID, 16), Contact: string(b.Contact), Q: float64(b.Q) / 1000,
		Expires: b.Expires, Left: b.Expires.Sub(now).Round(time.Millisecond).Seconds(),
		Modified: b.Modified, Received: string(b.Received), Path: string(b.Path),
		UserAgent: string(b.UserAgent), Instance: string(b.Instance), RegID: b.RegID,
		CallID: string(b.CallID), CSeq: b.CSeq, Listener: string(b.Listener), Flags: b.Flags,
		Attr: string(b.Attr),
	}
	for m := sip.INVITE; m <= sip.PRACK; m++ {
		if b.Methods&(1<<m) != 0 {
			t.Methods = append(t.Methods, m.String())
		}
	}
	return t
}
