// Package certificates is what secure listeners show of themselves: the
// certificates of a policy, from files and from CAs that issue them.
//
// Its one law: what can't be had leaves what there is.
package certificates

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"sipedge/schema"
	"sipedge/sip/transport/acme"
	shown "sipedge/sip/transport/tls"
)

// clientModes are the words of a policy.
var clientModes = map[string]shown.ClientMode{
	"none": shown.None, "request": shown.Request, "require": shown.Require,
}

// Keeper keeps the certificates of the policy that runs. Methods are safe for concurrent use.
type Keeper struct {
	// Store has what listeners show.
	Store *shown.Store

	log    *slog.Logger
	issued *acme.Manager // nil: there is nowhere to keep what CAs issue

	mu      sync.Mutex
	orders  map[string]acme.Order
	running bool
}

// Prepared are certificates that were read and are not in use yet.
type Prepared struct {
	read   *shown.Prepared
	orders map[string]acme.Order
}

// New returns a Keeper without certificates. What CAs issue is kept in the state folder; "": there
// is none.
func New(state string, log *slog.Logger) *Keeper {
	k := &Keeper{Store: shown.NewStore(), log: log}
	if state != "" {
		k.issued = acme.New(filepath.Join(state, "acme"), log)
		k.Store.Challenge = func(name string) *tls.Certificate { return k.issued.Challenge(name) }
	}
	return k
}

// Prepare reads the certificates of a policy, all or none: then a diagnostic is an error.
func (k *Keeper) Prepare(doc *schema.Document) (*Prepared, schema.Diagnostics) {
	p := &Prepared{orders: make(map[string]acme.Order)}
	places := func(acme.Order) (cert, key string) { return "", "" }
	if k.issued != nil {
		places = k.issued.Files
	}
	var diags schema.Diagnostics
	p.read, diags = read(doc, func(name string, o acme.Order) (cert, key string) {
		p.orders[name] = o
		return places(o)
	})
	for _, c := range doc.Certificates {
		if c.ACME != nil && k.issued == nil {
			d := about(c, schema.NowhereToKeep, "what a CA issues has no state folder to lie in")
			d.Hint = "`serve --state DIR`"
			diags = append(diags, d)
		}
	}
	return p, diags
}

// Check reads the certificates of a policy, but for those that CAs issue.
func Check(doc *schema.Document) schema.Diagnostics {
	_, diags := read(doc, func(string, acme.Order) (cert, key string) { return "", "" })
	return diags
}

// read reads the certificates of a policy; place says where one is that is issued.
func read(
	doc *schema.Document, place func(name string, o acme.Order) (cert, key string),
) (*shown.Prepared, schema.Diagnostics) {
	var diags schema.Diagnostics
	all := make(map[string]shown.Files)
	for _, c := range doc.Certificates {
		f := shown.Files{
			Cert: c.Cert.Path(), Key: c.Key.Path(), CA: paths(c.CA), CRL: paths(c.CRL),
			Client: clientModes[c.Client],
		}
		if a := c.ACME; a != nil {
			o := acme.Order{
				Domain: a.Domain, Directory: a.Directory, Email: a.Email, HTTP: a.HTTP,
			}
			if a.CA.S != "" {
				o.CA = a.CA.Path()
			}
			if _, err := acme.Roots(o.CA); err != nil {
				diags = append(diags, unread(c, err))
			}
			f.Awaited = a.Domain
			f.Cert, f.Key = place(c.Name, o)
		}
		all[c.Name] = f
	}
	prepared, failed := shown.Prepare(all)
	for _, c := range doc.Certificates {
		if err := failed[c.Name]; err != nil {
			diags = append(diags, unread(c, err))
		}
	}
	if prepared == nil {
		return nil, diags
	}
	for _, c := range doc.Certificates {
		if wrong := prepared.Untimely(c.Name, time.Now()); wrong != "" && c.ACME == nil {
			d := about(c, schema.UntimelyCertificate, wrong+"; who checks it refuses it")
			d.Severity = schema.Warning
			diags = append(diags, d)
		}
	}
	return prepared, diags
}

func unread(c schema.Certificate, err error) schema.Diagnostic {
	return about(c, schema.BadCertificate, err.Error())
}

func about(c schema.Certificate, code schema.Code, what string) schema.Diagnostic {
	return schema.Diagnostic{
		Pos: c.Pos, End: c.Pos.Col + len(c.Name), Code: code,
		Message: fmt.Sprintf("certificate %q: %s", c.Name, what),
	}
}

func paths(files []schema.Text) (list []string) {
	for _, f := range files {
		list = append(list, f.Path())
	}
	return list
}

// Use has new connections get what was prepared, and ends those of peers who are not to be believed
// by it any more. What is issued is ordered while Run does.
func (k *Keeper) Use(p *Prepared) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Store.Use(p.read)
	k.orders = p.orders
	if k.running {
		k.issued.Use(k.orders)
	}
	k.Store.Judge(k.log)
}

// Run orders certificates and reads files that change, of which it looks every now and then,
// until ctx ends. CAs that ask whose a name is are to be answered by then.
func (k *Keeper) Run(ctx context.Context, every time.Duration) {
	if k.issued != nil {
		k.mu.Lock()
		k.running = true
		k.issued.Use(k.orders)
		k.mu.Unlock()
		defer k.issued.Close()
	}
	k.Store.Watch(ctx, every, k.log)
}

// Renew has a certificate that a CA issues ordered now, whenever it is due; "": all of them. It
// returns how many are, and does not wait.
func (k *Keeper) Renew(name string) int {
	if k.issued == nil {
		return 0
	}
	return k.issued.Renew(name)
}

// notYet is what is wrong with a certificate that nothing is wrong with.
const notYet = "not issued yet"

// List tells of what is in use, by name.
func (k *Keeper) List() []shown.Status {
	list := k.Store.List()
	for i := range list {
		s := &list[i]
		if k.issued != nil {
			s.Wrong = cmp.Or(k.issued.Wrong(s.Name), s.Wrong)
		}
		if s.Awaited {
			s.Wrong = cmp.Or(s.Wrong, notYet)
		}
	}
	return list
}

// Orders tells how many orders ended how, by the words of package acme.
func (k *Keeper) Orders() (list []uint64) {
	list = make([]uint64, len(acme.Words))
	if k.issued != nil {
		results := k.issued.Results()
		list = results[:]
	}
	return list
}
