package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"sipedge/backends"
)

// Stored are users of a backend, with a cache of those that were found, or none.
type Stored struct {
	backend backends.Subscribers
	ttl     time.Duration // 0: nothing is kept
	max     int

	mu    sync.Mutex // guards found
	found map[string]kept
}

type kept struct {
	credential *backends.Credential
	until      time.Time
}

// NewStored makes Users of a backend. With a ttl what it says of a user is kept so long, of max
// users at most: a change takes so long to be seen, but a new password does at once.
func NewStored(b backends.Subscribers, ttl time.Duration, max int) *Stored {
	return &Stored{backend: b, ttl: ttl, max: max, found: map[string]kept{}}
}

// key is the name in the cache; it stands in buf if it fits.
func (n Name) key(buf []byte) []byte {
	buf = append(append(buf, n.User...), 0)
	buf = append(append(buf, n.Domain...), 0)
	return append(buf, n.Realm...)
}

func (s *Stored) look(n Name, now time.Time) *backends.Credential {
	if s.ttl == 0 {
		return nil
	}
	var buf [256]byte
	key := n.key(buf[:0])
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.found[string(key)]; ok && now.Before(k.until) {
		return k.credential
	}
	return nil
}

// Ready is Users'.
func (s *Stored) Ready(n Name, now time.Time) (ready, kept bool) {
	ready = s.look(n, now) != nil
	return ready, ready
}

// Find is Users'.
func (s *Stored) Find(ctx context.Context, n Name, now time.Time) (*backends.Credential, error) {
	if c := s.look(n, now); c != nil {
		return c, nil
	}
	return s.Renew(ctx, n, now)
}

// Renew is Users'.
func (s *Stored) Renew(ctx context.Context, n Name, now time.Time) (*backends.Credential, error) {
	c, err := s.backend.Credential(ctx, string(n.User), string(n.Domain), string(n.Realm))
	switch {
	case s.ttl == 0:
	case err == nil:
		s.keep(n, c, now)
	case errors.Is(err, backends.ErrNotFound):
		s.forget(n)
	}
	return c, err
}

func (s *Stored) keep(n Name, c *backends.Credential, now time.Time) {
	key := string(n.key(nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, has := s.found[key]; !has && len(s.found) >= s.max {
		for other := range s.found { // any: it is asked for again
			delete(s.found, other)
			break
		}
	}
	s.found[key] = kept{c, now.Add(s.ttl)}
}

func (s *Stored) forget(n Name) {
	var buf [256]byte
	key := n.key(buf[:0])
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.found, string(key))
}
