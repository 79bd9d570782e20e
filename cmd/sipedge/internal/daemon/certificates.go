package daemon

import (
	"context"

	"sipedge/cmd/sipedge/internal/certificates"
	"sipedge/schema"
	"sipedge/sip/transport/acme"
)

// readCertificates reads those of the policy of the start.
func (d *Daemon) readCertificates(src schema.Source) error {
	d.certs = certificates.New(d.cfg.State, d.log)
	prepared, diags := d.certs.Prepare(d.doc)
	if diags.HasErrors() {
		return &Problems{src, diags, true}
	}
	d.warn(diags)
	d.certs.Use(prepared)
	return nil
}

// checkCertificates reads the files of certificates.
func checkCertificates(_ context.Context, s *Subject) schema.Diagnostics {
	return certificates.Check(s.Doc)
}

// certificates tells when they end, how often files of them were read again, and what came of
// orders.
func (e emitter) certificates(k *certificates.Keeper) {
	for _, x := range k.Store.Expiries() {
		e.gauge("certificate_not_after_seconds",
			"When a certificate, the first of its CAs or the next update of a revocation list ends, "+
				"Unix time.", float64(x.At.Unix()), "certificate", x.Certificate, "of", x.Of)
	}
	done, failed := k.Store.Reloads()
	e.counter("certificate_reloads_total", "Certificates read again because a file changed.",
		done, "result", "ok")
	e.counter("certificate_reloads_total", "Certificates read again because a file changed.",
		failed, "result", "failed")
	for i, n := range k.Orders() {
		e.counter("acme_orders_total", "Orders of certificates, by what came of them.", n,
			"result", acme.Words[i])
	}
}
