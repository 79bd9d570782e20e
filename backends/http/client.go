package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sipedge/backends"
)

const (
	maxReply = 64 << 20 // bytes
	maxIdle  = time.Minute
	maxTold  = 200 // bytes of a reply that an error quotes
)

// client asks the server.
type client struct {
	base  *url.URL
	user  *url.Userinfo
	token string
	http  *http.Client
}

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Ping is content with any answer: what is at the address itself is the server's own.
func (c *client) Ping(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, c.base.String(), nil)
	if err != nil {
		return err
	}
	reply, err := c.do(r)
	if err != nil {
		return err
	}
	reply.Body.Close()
	if reply.StatusCode >= 500 && reply.StatusCode != http.StatusNotImplemented {
		return errors.New(reply.Status)
	}
	return nil
}

// table is where a table is. ErrRefused: none has such a name.
func (c *client) table(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return "", fmt.Errorf("%w: %.40q is no name of a table", backends.ErrRefused, name)
	}
	return strings.TrimSuffix(c.base.String(), "/") + "/" + url.PathEscape(name), nil
}

// ask sends a request and returns the body of the reply. kind is of the body.
func (c *client) ask(ctx context.Context, method, at, kind, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	reply, err := c.do(r)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(io.LimitReader(reply.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxReply:
		return nil, fmt.Errorf("the reply has more than %d bytes", maxReply)
	}
	return b, judge(reply, b)
}

// do sends a request; errors don't say what was asked, since users are named there.
func (c *client) do(r *http.Request) (*http.Response, error) {
	switch {
	case c.token != "":
		r.Header.Set("Authorization", "Bearer "+c.token)
	case c.user != nil:
		password, _ := c.user.Password()
		r.SetBasicAuth(c.user.Username(), password)
	}
	reply, err := c.http.Do(r)
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	return reply, err
}

// judge says what a status means.
func judge(r *http.Response, body []byte) error {
	told := func(err error) error {
		return fmt.Errorf("%w: %s: %.*q", err, r.Status, maxTold, body)
	}
	switch r.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil
	case http.StatusConflict:
		return told(backends.ErrExists)
	case http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return told(backends.ErrUnsupported)
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity:
		return told(backends.ErrRefused)
	}
	return told(backends.ErrUnavailable)
}
