package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	atOnce    = 50 // connections that are being opened
	perSource = 5000
	patience  = 30 * time.Second // of one, from its first packet to the answer
)

// client is the other process: client TRANSPORT ADDRESS COUNT CA. It opens the connections and says
// "HELD FAILED"; when it gets a line it says how many of them are still open, and ends.
func client(args []string) error {
	if len(args) != 4 {
		return errors.New("usage: client TRANSPORT ADDRESS COUNT CA")
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	if _, err := allowed(count); err != nil {
		return err
	}
	o := opener{transport: args[0], address: args[1]}
	if o.transport == "tls" {
		ca, err := os.ReadFile(args[3])
		if err != nil {
			return err
		}
		o.tls = &tls.Config{ServerName: "127.0.0.1", RootCAs: x509.NewCertPool()}
		o.tls.RootCAs.AppendCertsFromPEM(ca)
	}
	held, failed := o.openAll(count)
	fmt.Println(len(held), failed)
	if _, err := fmt.Scanln(); err != nil && err.Error() != "unexpected newline" {
		return err
	}
	open := 0
	for _, c := range held {
		if alive(c) {
			open++
		}
	}
	fmt.Println(open)
	return nil
}

// opener opens connections.
type opener struct {
	transport, address string
	tls                *tls.Config // nil: TCP
}

// openAll opens as many as it can, from several addresses: one has not ports enough.
func (o *opener) openAll(count int) (held []net.Conn, failed int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range count {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c, err := o.open(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				held = append(held, c)
			} else if failed++; failed <= 3 {
				fmt.Fprintln(os.Stderr, "held client:", err)
			}
		})
	}
	wg.Wait()
	return held, failed
}

// open opens one and asks OPTIONS over it.
func (o *opener) open(i int) (net.Conn, error) {
	from := net.IPv4(127, 0, 0, byte(2+i/perSource))
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: patience}
	c, err := d.Dial("tcp4", o.address)
	if err != nil {
		return nil, err
	}
	if o.tls != nil {
		c = tls.Client(c, o.tls)
	}
	if err := o.ask(c, i); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (o *opener) ask(c net.Conn, i int) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err := fmt.Fprintf(c, "OPTIONS sip:%[1]s SIP/2.0\r\n"+
		"Via: SIP/2.0/%[2]s %[3]s;branch=z9hG4bKheld%[4]d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:held@127.0.0.1>;tag=%[4]d\r\nTo: <sip:%[1]s>\r\nCall-ID: held%[4]d\r\n"+
		"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		o.address, strings.ToUpper(o.transport), c.LocalAddr(), i)
	if err != nil {
		return err
	}
	answer := make([]byte, 2048) // it has no body
	for n := 0; ; {
		m, err := c.Read(answer[n:])
		if err != nil {
			return err
		}
		if n += m; strings.HasSuffix(string(answer[:n]), "\r\n\r\n") {
			if !strings.HasPrefix(string(answer[:n]), "SIP/2.0 200 ") {
				return fmt.Errorf("answered %q", answer[:n])
			}
			return c.SetDeadline(time.Time{})
		}
	}
}

// alive reports whether nothing has come since, not even an end.
func alive(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}
