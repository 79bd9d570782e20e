package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/sip"
)

// Done is what an attack has done so far.
type Done struct {
	Begun  int64 // connections opened, or calls made
	Ended  int64 // of them by the server; of calls, those that it answered in the end
	Failed int64 // connections that were not opened
	Bytes  int64 // sent
}

const (
	beat     = 5 * time.Millisecond // of what begins
	patience = 10 * time.Second     // to connect, and for the server to take what is said
)

// Raid is an attack that is carried out.
type Raid struct {
	*Attack
	address string // of the server
	rate    int    // what begins in a second
	next    int    // what begins is numbered

	begun, ended, failed, bytes atomic.Int64
}

// New returns an attack on the server at an address, with as many connections or calls a second.
func New(a *Attack, address string, rate int) *Raid {
	return &Raid{Attack: a, address: address, rate: rate}
}

// Done is what it has done so far.
func (r *Raid) Done() Done {
	return Done{r.begun.Load(), r.ended.Load(), r.failed.Load(), r.bytes.Load()}
}

// Run attacks until ctx ends, and leaves nothing open. It can be run again, and goes on counting.
func (r *Raid) Run(ctx context.Context) error {
	switch {
	case r.called != nil:
		return r.calls(ctx)
	case r.says != nil:
		var open sync.WaitGroup
		defer open.Wait()
		says := [3][]byte{r.says(0), r.says(1), r.says(2)}
		r.each(ctx, func(i int) error {
			open.Go(func() { r.connection(ctx, i, says[i%len(says)]) })
			return nil
		})
	default:
		<-ctx.Done()
	}
	return nil
}

// each begins what there is to begin, at the rate, until ctx ends or one can't.
func (r *Raid) each(ctx context.Context, begin func(i int) error) error {
	first, began := r.next, time.Now()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for due := first + int(time.Since(began).Seconds()*float64(r.rate)); r.next < due; r.next++ {
			if err := begin(r.next); err != nil {
				return err
			}
		}
	}
}

// connection is one, until the server ends it.
func (r *Raid) connection(ctx context.Context, i int, says []byte) {
	d := net.Dialer{LocalAddr: from(i), Timeout: patience}
	c, err := d.DialContext(ctx, "tcp4", r.address)
	if err != nil {
		if ctx.Err() == nil {
			r.failed.Add(1)
		}
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })()
	r.begun.Add(1)
	answer := make([]byte, 4096)
	for {
		if n := min(r.chunk, len(says)); n > 0 {
			n, err = c.Write(says[:n])
			r.bytes.Add(int64(n))
			if says = says[n:]; err != nil {
				break
			}
		}
		if len(says) > 0 {
			_ = c.SetReadDeadline(time.Now().Add(r.pause))
		} else {
			_ = c.SetReadDeadline(time.Time{})
		}
		if ctx.Err() != nil {
			return
		}
		if _, err = c.Read(answer); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if ctx.Err() == nil {
		r.ended.Add(1)
	}
}

// calls has the server call holes, over a connection on which its answers are read.
func (r *Raid) calls(ctx context.Context) error {
	h, err := r.called()
	if err != nil {
		return err
	}
	defer h.close()
	c, err := net.DialTimeout("tcp4", r.address, patience)
	if err != nil {
		return err
	}
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		r.answers(c)
	}()
	defer func() { <-answers }()
	defer c.Close()
	return r.each(ctx, func(i int) error {
		uri := fmt.Sprintf("sip:hole@%s;transport=tcp", h.address(i))
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		n, err := io.WriteString(c, call(i, uri, r.body))
		r.bytes.Add(int64(n))
		if err == nil {
			r.begun.Add(1)
		}
		return err
	})
}

// answers reads what the server answers, and counts what is final.
func (r *Raid) answers(c net.Conn) {
	var f sip.Framer
	var m sip.Message
	b, w := make([]byte, 128<<10), 0
	for {
		n, err := c.Read(b[w:])
		if err != nil {
			return
		}
		w += n
		for {
			kind, n, err := f.Next(b[:w], len(b))
			if err != nil || kind == sip.Incomplete {
				break
			}
			if m.Parse(b[:n]) == nil && m.Status() >= 200 {
				r.ended.Add(1)
			}
			w = copy(b, b[n:w])
		}
	}
}
