package tls

import (
	"crypto"
	"io"

	"sipedge/sip/transport/keep"
)

// A handshake takes half a millisecond of a processor, and who carries messages may wait for the
// same one. So it gives way between its steps.

// signer signs for handshakes.
type signer struct{ crypto.Signer }

// Sign implements crypto.Signer.
func (s signer) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	keep.GiveWay()
	defer keep.GiveWay()
	return s.Signer.Sign(random, digest, o)
}

// Read implements net.Conn.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if w.shaking {
		keep.GiveWay()
	}
	return n, err
}

// Write implements net.Conn.
func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	if w.shaking {
		keep.GiveWay()
	}
	return n, err
}
