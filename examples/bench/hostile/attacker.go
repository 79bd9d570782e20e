package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sipedge/sip"
)

// done is what an attack has done so far.
type done struct {
	Begun  int64 // connections opened, or calls made
	Ended  int64 // of them by the server; with calls, those that it answered in the end
	Failed int64 // connections that were not opened
	Bytes  int64 // sent
}

const (
	beat     = 5 * time.Millisecond // of what begins
	patience = 10 * time.Second     // to connect, and for the server to take what is said
)

// raid is an attack that is carried out.
type raid struct {
	*attack
	address string // of the server
	rate    int    // what begins in a second
	next    int    // what begins is numbered

	begun, ended, failed, bytes atomic.Int64
}

// attacker is the other process: attack NAME ADDRESS RATE. A line of its input begins the attack,
// and the next one ends it, which it answers with what it has done so far, in JSON.
func attacker(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: attack NAME ADDRESS RATE")
	}
	chosen, err := choose(args[0])
	if err != nil {
		return err
	}
	r := raid{attack: chosen[0], address: args[1]}
	if r.rate, err = strconv.Atoi(args[2]); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.run(ctx) }()
		more := in.Scan()
		stop()
		if err := <-ended; err != nil || !more {
			return err
		}
		total := done{r.begun.Load(), r.ended.Load(), r.failed.Load(), r.bytes.Load()}
		if err := json.NewEncoder(os.Stdout).Encode(total); err != nil {
			return err
		}
	}
	return nil
}

// run attacks until ctx ends, and leaves nothing open.
func (r *raid) run(ctx context.Context) error {
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
func (r *raid) each(ctx context.Context, begin func(i int) error) error {
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
func (r *raid) connection(ctx context.Context, i int, says []byte) {
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
func (r *raid) calls(ctx context.Context) error {
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
func (r *raid) answers(c net.Conn) {
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
