package control

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"sipedge/cmd/sipedge/internal/events"
)

// streamEvents writes events as they come, a line each, until the client or the server ends. Who
// takes nothing for a while loses the stream.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) (any, error) {
	left := math.MaxInt
	if text := r.Form.Get("limit"); text != "" {
		var err error
		if left, err = strconv.Atoi(text); err != nil || left < 1 {
			return nil, refuse(http.StatusBadRequest, "limit is a number from 1, not %q", text)
		}
	}
	l, err := s.Events.Listen(r.Form["name"])
	switch {
	case errors.Is(err, events.ErrName):
		return nil, refuse(http.StatusBadRequest, "%v", err)
	case err != nil:
		return nil, refuse(http.StatusServiceUnavailable, "%v", err)
	}
	defer l.Close()
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(&patient{w})
	lines.SetEscapeHTML(false)
	for left > 0 {
		list, err := l.Take(r.Context())
		if err != nil {
			break
		}
		list = list[:min(len(list), left)]
		left -= len(list)
		for i := range list {
			if lines.Encode(&list[i]) != nil {
				return nil, nil // the client is gone
			}
		}
		if http.NewResponseController(w).Flush() != nil {
			break
		}
	}
	return nil, nil
}
