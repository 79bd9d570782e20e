package acme

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// answers is how long a CA may take to answer one request.
const answers = 30 * time.Second

var (
	errNoRoots = errors.New("no certificate in it")
	errNoChain = errors.New("the CA sent no certificate")
)

// issuer asks a CA for one order. It implements certmagic.Issuer, and RenewalInfoGetter for
// RFC 9773.
type issuer struct {
	*keeper
	client *acmez.Client
	issued bool
}

// newIssuer reads whom to trust afresh.
func newIssuer(k *keeper) (*issuer, error) {
	trusted, err := Roots(k.CA)
	if err != nil {
		return nil, err
	}
	road := http.DefaultTransport.(*http.Transport).Clone()
	road.TLSClientConfig = &tls.Config{RootCAs: trusted}
	i := &issuer{keeper: k, client: &acmez.Client{Client: &acme.Client{
		Directory: k.Directory, UserAgent: "sipedge",
		HTTPClient: &http.Client{Transport: road, Timeout: answers},
	}}}
	kind, solver := acme.ChallengeTypeTLSALPN01, acmez.Solver(&byTLS{&k.m.proofs})
	if k.HTTP != "" {
		kind, solver = acme.ChallengeTypeHTTP01, &byHTTP{address: k.HTTP, turn: k.m.turn}
	}
	i.client.ChallengeSolvers = map[string]acmez.Solver{kind: solver}
	return i, nil
}

// Roots reads Order.CA; nil: whom the system trusts.
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%s: %w", file, errNoRoots)
	}
	return trusted, nil
}

func (i *issuer) close() { i.client.HTTPClient.CloseIdleConnections() }

// IssuerKey implements certmagic.Issuer.
func (i *issuer) IssuerKey() string { return i.issuer() }

// Issue implements certmagic.Issuer.
func (i *issuer) Issue(
	ctx context.Context, csr *x509.CertificateRequest,
) (*certmagic.IssuedCertificate, error) {
	account, err := i.account(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	order, err := acmez.OrderParametersFromCSR(account, csr)
	if err != nil {
		return nil, err
	}
	chains, err := i.client.ObtainCertificate(ctx, order)
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errNoChain
	}
	i.issued = true
	return &certmagic.IssuedCertificate{Certificate: chains[0].ChainPEM, Metadata: chains[0]}, nil
}

// GetRenewalInfo implements certmagic.RenewalInfoGetter.
func (i *issuer) GetRenewalInfo(
	ctx context.Context, c certmagic.Certificate,
) (acme.RenewalInfo, error) {
	return i.client.GetRenewalInfo(ctx, c.Leaf)
}

// account is the one of our key, and is made if the CA has none, RFC 8555 §7.3: who has
// certificates ordered agrees to the CA's terms.
func (i *issuer) account(ctx context.Context) (acme.Account, error) {
	key, err := i.accountKey(ctx)
	if err != nil {
		return acme.Account{}, err
	}
	a := acme.Account{TermsOfServiceAgreed: true, PrivateKey: key}
	if i.Email != "" {
		a.Contact = []string{"mailto:" + i.Email}
	}
	return i.client.NewAccount(ctx, a)
}

// accountKey is that of the account for the CA and address, made when it is asked for first.
func (i *issuer) accountKey(ctx context.Context) (crypto.Signer, error) {
	place, kept := i.m.storage, path.Join("accounts", i.issuer(), "account.key")
	if i.Email != "" {
		kept = path.Join("accounts", i.issuer(), certmagic.StorageKeys.Safe(i.Email)+".key")
	}
	if err := place.Lock(ctx, kept); err != nil {
		return nil, err
	}
	defer func() { _ = place.Unlock(ctx, kept) }() // it is ours
	b, err := place.Load(ctx, kept)
	if err == nil {
		key, err := certmagic.PEMDecodePrivateKey(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kept, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if b, err = certmagic.PEMEncodePrivateKey(key); err != nil {
		return nil, err
	}
	return key, place.Store(ctx, kept, b)
}
