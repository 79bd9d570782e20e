package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Client asks the server behind a socket. It is safe for concurrent use.
type Client struct {
	socket string
	http   http.Client
}

// NewClient makes a client of the server at a socket. It connects when it is asked.
func NewClient(socket string) *Client {
	c := &Client{socket: socket}
	c.http.Transport = &http.Transport{DialContext: c.dial, DisableKeepAlives: true}
	return c
}

// ErrNoServer: nobody answers at the socket.
var ErrNoServer = errors.New("is it running?")

// dial connects, and waits while so many others do that the system can't queue one more.
func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	const pause = 10 * time.Millisecond
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", c.socket)
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Do asks for an operation; in is the body, nil: none; out takes the answer. An *Error is the
// server's; ErrNoServer, or any other, says that it could not be asked. What a server does goes
// on when ctx ends.
func (c *Client) Do(ctx context.Context, id string, query url.Values, in, out any) error {
	r, err := c.ask(ctx, id, query, in)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(out); err != nil {
		return c.wrong(err)
	}
	return nil
}

// Stream asks for an operation whose answer is lines, and calls f with each as it comes. It has
// an error when the answer is not whole.
func (c *Client) Stream(
	ctx context.Context, id string, query url.Values, f func(line []byte) error,
) error {
	r, err := c.ask(ctx, id, query, nil)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	lines := bufio.NewReaderSize(r.Body, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return c.wrong(err)
		}
		if err := f(line); err != nil {
			return err
		}
	}
}

// ask returns an answer that is no error.
func (c *Client) ask(
	ctx context.Context, id string, query url.Values, in any,
) (*http.Response, error) {
	o := operation(id)
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	to := url.URL{Scheme: "http", Host: "sipedge", Path: o.Path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, o.Method, to.String(), body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, c.wrong(err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	refusal := &Error{Status: answer.StatusCode}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if kind != "application/problem+json" ||
		json.NewDecoder(io.LimitReader(answer.Body, maxError)).Decode(refusal) != nil {
		refusal.Detail = "the server answers " + answer.Status
	}
	return nil, refusal
}

// maxError is how much of a refusal is read, in bytes.
const maxError = 16 << 20

// wrong says why there is no answer.
func (c *Client) wrong(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED),
		errors.Is(err, syscall.ENOTSOCK):
		return fmt.Errorf("no sipedge answers on %s; %w", c.socket, ErrNoServer)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer in time from %s: %w", c.socket, context.DeadlineExceeded)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the server at %s broke off its answer", c.socket)
	}
	return fmt.Errorf("the server at %s: %w", c.socket, err)
}

// operation finds one; there is none but for a mistake of the caller.
func operation(id string) *Operation {
	for i := range Operations {
		if Operations[i].ID == id {
			return &Operations[i]
		}
	}
	panic("no operation " + strings.TrimSpace(id))
}
