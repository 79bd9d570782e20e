package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
	"time"

	"sipedge/router/job"
)

// Guard is what every step that authenticates shares: the keys of nonces, which of them were
// used, and counters. It outlives policies, and is safe for concurrent use.
type Guard struct {
	secret [sha256.Size]byte
	index  atomic.Uint64 // of the last nonce
	key    atomic.Pointer[epochKey]
	used   used
	seed   maphash.Seed
	count  counters
}

// NewGuard makes the Guard of a router. Routers with the same secret take each other's nonces.
// Nonces from before now are not taken: which of them were used is not known.
func NewGuard(secret [32]byte, now time.Time) *Guard {
	g := &Guard{seed: maphash.MakeSeed()}
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte("nonce"))
	mac.Sum(g.secret[:0])
	var first [8]byte
	_, _ = rand.Read(first[:]) // it never fails
	g.index.Store(binary.LittleEndian.Uint64(first[:]))
	g.used.init(seconds(now))
	return g
}

// seconds is a time as nonces have it.
func seconds(t time.Time) uint32 { return uint32(t.Unix()) }

// message is a hash by which a message that is sent again is known: all of its bytes, and where
// it came from.
func (g *Guard) message(j *job.Job) uint64 {
	var from [18]byte
	addr := j.Flow.Remote.Addr().As16()
	copy(from[:], addr[:])
	binary.LittleEndian.PutUint16(from[16:], j.Flow.Remote.Port())
	return maphash.Bytes(g.seed, j.Msg.Raw()) ^ maphash.Bytes(g.seed, from[:])
}

// Stats are counters since the start.
type Stats struct {
	Challenged  uint64 // 401 and 407 sent
	Accepted    uint64
	Stale       uint64 // good nonces that were too old
	BadNonce    uint64 // nonces that are none of ours
	UnknownUser uint64
	BadPassword uint64
	Replayed    uint64 // requests that used a nonce count again
	BadRequest  uint64 // credentials for another URI, or by what was not offered
	Malformed   uint64 // credentials of the scheme Digest that can't be read
	OtherScheme uint64 // Basic and others, which are refused
	Forbidden   uint64 // users who said to be somebody else
	Exceeded    uint64 // refused unseen, after too many tries
	Unavailable uint64 // users could not be asked
}

type counters struct {
	challenged, accepted, stale, badNonce, unknownUser, badPassword, replayed, badRequest,
	malformed, otherScheme, forbidden, exceeded, unavailable atomic.Uint64
}

// Stats returns the counters.
func (g *Guard) Stats() Stats {
	c := &g.count
	return Stats{
		Challenged: c.challenged.Load(), Accepted: c.accepted.Load(), Stale: c.stale.Load(),
		BadNonce: c.badNonce.Load(), UnknownUser: c.unknownUser.Load(),
		BadPassword: c.badPassword.Load(), Replayed: c.replayed.Load(),
		BadRequest: c.badRequest.Load(), Malformed: c.malformed.Load(),
		OtherScheme: c.otherScheme.Load(), Forbidden: c.forbidden.Load(),
		Exceeded: c.exceeded.Load(), Unavailable: c.unavailable.Load(),
	}
}
