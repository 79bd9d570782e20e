package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sipedge/cmd/sipedge/internal/exit"
	"sipedge/router/trace"
)

// client speaks to the admin listener of a running server. Its errors have their exit code.
type client struct{ addr string }

// answerTime is how long a server may take to answer.
const answerTime = 10 * time.Second

func (c *client) arm(o *trace.Order) (status trace.Status, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return status, err
	}
	text, err := c.ask("POST", "/trace", bytes.NewReader(body))
	if err != nil {
		return status, err
	}
	return status, c.decode(text, &status)
}

// do asks for a recording's status.
func (c *client) do(method, path string, status *trace.Status) error {
	text, err := c.ask(method, path, nil)
	if err != nil {
		return err
	}
	return c.decode(text, status)
}

func (c *client) get(path string) (string, error) { return c.ask("GET", path, nil) }

func (c *client) decode(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return unreachable(fmt.Errorf("the server at %s: %w", c.addr, err))
	}
	return nil
}

func (c *client) ask(method, path string, body io.Reader) (string, error) {
	r, err := http.NewRequest(method, "http://"+c.addr+path, body)
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	direct := http.Client{Timeout: answerTime, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := direct.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL
		}
		return "", unreachable(fmt.Errorf("no server at %s: %w", c.addr, err))
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return "", unreachable(fmt.Errorf("the server at %s: %w", c.addr, err))
	case answer.StatusCode == http.StatusNotFound:
		return "", unreachable(fmt.Errorf("the server at %s knows no such recording", c.addr))
	case answer.StatusCode >= 300:
		return "", exit.With(exit.Refused, fmt.Errorf("the server at %s refuses: %s", c.addr,
			strings.TrimSpace(string(text))))
	}
	return string(text), nil
}
