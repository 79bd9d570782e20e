package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
	"go.uber.org/zap"
)

// When it is looked whether a certificate is to be renewed: so often in its life, within bounds.
const (
	looks     = 50
	shortLook = time.Second
	longLook  = 10 * time.Minute
)

// After an order that failed there is a pause, and after the next one a longer one. CAs count:
// that of most allows for five an hour and name.
const (
	firstPause = 2 * time.Second
	longer     = 6
	lastPause  = time.Hour
)

// patience is how long an order may take, the CA's own checks included.
const patience = 5 * time.Minute

// keeper sees to one certificate:
//
//  1. it is ordered if there is none, and when it is time for another;
//  2. then there is a pause, until it is looked after again, or somebody asks for another.
type keeper struct {
	Order
	name  string // in the policy
	m     *Manager
	end   context.CancelFunc
	asked chan struct{} // room for one: Manager.Renew
	wrong atomic.Pointer[string]
}

// run is the keeper's life.
func (k *keeper) run(ctx context.Context) {
	look, pause, last, another := longLook, time.Duration(0), Issued, false
	for {
		leaf, issued, err := k.round(ctx, look, another)
		another = another && !issued
		wait := look
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = min(max(longer*pause, firstPause), lastPause)
			wait = pause
			last = k.failed(err, last, pause)
		default:
			pause, last = 0, Issued
			k.wrong.Store(nil)
			look = min(max(leaf.NotAfter.Sub(leaf.NotBefore)/looks, shortLook), longLook)
			wait = look
			if issued {
				k.m.counts[Issued].Add(1)
				k.m.log.Info("certificate issued", "certificate", k.name, "domain", k.Domain,
					"not_after", leaf.NotAfter)
			}
		}
		timer := time.NewTimer(wait - wait/10 + rand.N(wait/5+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-k.asked:
			another = true
			timer.Stop()
		case <-timer.C:
		}
	}
}

// failed counts an order that did, and logs it unless the one before failed alike.
func (k *keeper) failed(err error, last Result, pause time.Duration) Result {
	result, why := resultOf(err), err.Error()
	k.m.counts[result].Add(1)
	k.wrong.Store(&why)
	tell := k.m.log.Error
	if result == last {
		tell = k.m.log.Debug
	}
	tell("certificate not issued: what there is stays", "certificate", k.name,
		"domain", k.Domain, "directory", k.Directory, "reason", Words[result], "error", err,
		"again_in", pause.String())
	return result
}

func resultOf(err error) Result {
	var (
		problem acme.Problem
		foreign *tls.CertificateVerificationError
		request *url.Error
		network net.Error
	)
	switch {
	case errors.As(err, &problem):
		return Refused
	case errors.As(err, &foreign):
		return Untrusted
	case errors.As(err, &request), errors.As(err, &network):
		return Unreachable
	}
	return Broken
}

var (
	errNotNow   = errors.New("certificates are renewed by rounds")
	errNotThere = errors.New("the certificate is not among what was issued")
)

// round orders the certificate if it is time, or another was asked for, and returns the one that
// there is. look is how long it is until the next round. issued counts also with an error.
func (k *keeper) round(ctx context.Context, look time.Duration, another bool) (
	leaf *x509.Certificate, issued bool, err error,
) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ca, err := newIssuer(k)
	if err != nil {
		return nil, false, err
	}
	defer ca.close()
	// A cache is for servers that ask certmagic for certificates. Ours is of this round alone;
	// what it looks after by itself it leaves alone.
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) {
			return nil, errNotNow
		},
		RenewCheckInterval: look, OCSPCheckInterval: math.MaxInt64, Logger: zap.NewNop(),
	})
	defer cache.Stop()
	config := certmagic.New(cache, certmagic.Config{
		Issuers: []certmagic.Issuer{ca}, Storage: k.m.storage, Logger: zap.NewNop(),
		OCSP: certmagic.OCSPConfig{DisableStapling: true},
	})
	if another {
		if err := config.RenewCertSync(ctx, k.Domain, true); err != nil {
			return nil, ca.issued, err
		}
	}
	if err := config.ManageSync(ctx, []string{k.Domain}); err != nil {
		return nil, ca.issued, err
	}
	for _, c := range cache.AllMatchingCertificates(k.Domain) {
		return c.Leaf, ca.issued, nil
	}
	return nil, ca.issued, fmt.Errorf("%s: %w", k.Domain, errNotThere)
}
