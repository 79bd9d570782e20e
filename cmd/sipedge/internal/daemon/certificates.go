package daemon

import (
	"context"
	"fmt"

	"sipedge/schema"
	"sipedge/sip/transport/tls"
)

// clientModes are the words of a policy.
var clientModes = map[string]tls.ClientMode{
	"none": tls.None, "request": tls.Request, "require": tls.Require,
}

// readCertificates reads those of the policy of the start.
func (d *Daemon) readCertificates(src schema.Source) error {
	d.certs = tls.NewStore()
	prepared, diags := prepareCertificates(d.doc)
	if len(diags) > 0 {
		return &Problems{src, diags, true}
	}
	d.certs.Use(prepared)
	return nil
}

// prepareCertificates reads the certificates of a policy, all or none.
func prepareCertificates(doc *schema.Document) (*tls.Prepared, schema.Diagnostics) {
	all := make(map[string]tls.Files)
	for _, c := range doc.Certificates {
		all[c.Name] = tls.Files{
			Cert: c.Cert.Path(), Key: c.Key.Path(), CA: paths(c.CA), CRL: paths(c.CRL),
			Client: clientModes[c.Client],
		}
	}
	prepared, failed := tls.Prepare(all)
	var diags schema.Diagnostics
	for _, c := range doc.Certificates {
		if e := failed[c.Name]; e != nil {
			diags = append(diags, schema.Diagnostic{
				Pos: c.Pos, End: c.Pos.Col + len(c.Name), Code: schema.BadCertificate,
				Message: fmt.Sprintf("certificate %q: %v", c.Name, e),
			})
		}
	}
	return prepared, diags
}

// checkCertificates reads the files of certificates.
func checkCertificates(_ context.Context, s *Subject) schema.Diagnostics {
	_, diags := prepareCertificates(s.Doc)
	return diags
}

func paths(files []schema.Text) (list []string) {
	for _, f := range files {
		list = append(list, f.Path())
	}
	return list
}

// certificates tells when they end, and how often files of them were read again.
func (e emitter) certificates(s *tls.Store) {
	for _, x := range s.Expiries() {
		e.gauge("certificate_not_after_seconds",
			"When a certificate, the first of its CAs or the next update of a revocation list ends, "+
				"Unix time.", float64(x.At.Unix()), "certificate", x.Certificate, "of", x.Of)
	}
	done, failed := s.Reloads()
	e.counter("certificate_reloads_total", "Certificates read again because a file changed.",
		done, "result", "ok")
	e.counter("certificate_reloads_total", "Certificates read again because a file changed.",
		failed, "result", "failed")
}
