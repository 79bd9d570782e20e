package stream

import (
	"errors"
	"os"
	"sync"
	"time"

	"sipedge/sip/transport"
)

// outbox holds messages end to end, so that one write takes them all.
type outbox struct {
	data  []byte
	marks []mark
}

type mark struct {
	end  int // of the message in data
	ref  uint64
	pong bool // no message, but the answers to pings
}

// maxKept is how large an outbox may be to be used again, in bytes.
const maxKept = 64 << 10

var outboxes = sync.Pool{New: func() any { return new(outbox) }}

// add says that data ends with a message, or with a pong.
func (o *outbox) add(data []byte, ref uint64, pong bool) {
	o.data = data
	if last := len(o.marks) - 1; pong && last >= 0 && o.marks[last].pong {
		o.marks[last].end = len(o.data) // a record is more than ten times as large as a pong
		return
	}
	o.marks = append(o.marks, mark{len(o.data), ref, pong})
}

// refs appends those of the messages that are not within the first n bytes.
func (o *outbox) refs(dst []uint64, n int) []uint64 {
	for _, m := range o.marks {
		if m.end > n && !m.pong {
			dst = append(dst, m.ref)
		}
	}
	return dst
}

func (o *outbox) release() {
	if cap(o.data) > maxKept {
		return
	}
	o.data, o.marks = o.data[:0], o.marks[:0]
	outboxes.Put(o)
}

// send queues a message. It returns errOver, or ErrQueueFull: then the peer has Limits.Write to
// read what it was sent, or the writer ends the connection.
func (c *conn) send(b []byte, ref uint64) error {
	return c.queue(c.s.protocol.Append, b, ref, false)
}

// answer queues what is no message, as it is.
func (c *conn) answer(b []byte) error {
	return c.queue(func(dst, b []byte) []byte { return append(dst, b...) }, b, 0, true)
}

func (c *conn) queue(
	appendTo func(dst, b []byte) []byte, b []byte, ref uint64, pong bool,
) error {
	mine, err := c.enqueue(appendTo, b, ref, pong)
	if mine {
		c.push(time.Now())
	}
	return err
}

// enqueue is queue without writing. mine: that is the caller's.
func (c *conn) enqueue(
	appendTo func(dst, b []byte) []byte, b []byte, ref uint64, pong bool,
) (mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false, errOver
	}
	if c.waiting+len(b) > c.s.env.Limits.Queue {
		c.s.env.Stats.QueueFull.Add(1)
		return false, transport.ErrQueueFull
	}
	if c.out == nil {
		c.out = outboxes.Get().(*outbox)
	}
	before := len(c.out.data)
	c.out.add(appendTo(c.out.data, b), ref, pong)
	c.waiting += len(c.out.data) - before
	return c.startWriter(), nil
}

// startWriter has what waits written by a goroutine, by the loop, or by the caller when he has let
// go of mu: true.
func (c *conn) startWriter() bool {
	if !c.open || c.out == nil || c.writing {
		return false
	}
	c.writing = true
	if c.loop == nil {
		c.writer.Go(c.write)
		return false
	}
	c.left = c.loop.LeaveIfBusy(c)
	return !c.left
}

// write sends what waits until nothing does.
func (c *conn) write() {
	for o := c.take(nil); o != nil; o = c.take(o) {
		now := time.Now()
		_ = c.nc.SetWriteDeadline(now.Add(c.s.env.Limits.Write))
		n, err := c.put(o)
		c.wrote.set(now)
		c.count(o, n)
		if err != nil {
			c.broken(o, n, err)
			return
		}
	}
}

// put writes what o holds, each message by itself where the connection keeps their bounds, and
// returns how much of it left.
func (c *conn) put(o *outbox) (n int, err error) {
	if _, ok := c.nc.(Parts); !ok {
		return c.nc.Write(o.data)
	}
	for _, m := range o.marks {
		b := o.data[n:m.end]
		if m.pong {
			b = pong // one for all: two together would be a ping
		}
		if _, err := c.nc.Write(b); err != nil {
			return n, err
		}
		n = m.end
	}
	return n, nil
}

// take returns what waits, nil if nothing does: then the writer ends. done has left.
func (c *conn) take(done *outbox) *outbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	if done != nil {
		c.waiting -= len(done.data)
		done.release()
	}
	o := c.out
	c.out = nil
	c.writing = o != nil
	if o == nil && c.over && c.loop != nil {
		c.loop.Leave(c) // it waited for that
	}
	return o
}

// count books the messages of o that are within the first n bytes.
func (c *conn) count(o *outbox, n int) {
	var messages, bytes, begin int
	for _, m := range o.marks {
		if m.end <= n && !m.pong {
			messages++
			bytes += m.end - begin
		}
		begin = m.end
	}
	c.s.env.Stats.MessagesOut.Add(uint64(messages))
	c.s.env.Stats.BytesOut.Add(uint64(bytes))
}

// broken ends the connection: of o only the first n bytes left.
func (c *conn) broken(o *outbox, n int, err error) {
	reason := transport.EndedByPeer
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason, err = transport.EndedStalled, errStalled
	}
	c.stop(reason, err)
	c.mu.Lock()
	c.unsent = o.refs(c.unsent, n)
	o.release()
	_ = c.nc.Close() // the reader wakes
	c.mu.Unlock()
}

var errStalled = errors.New("the peer does not read")
