// Package scrape reads the metrics of a server that is measured. Its one law: what a series is
// called is what the server calls it, labels included.
package scrape

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// patience is how long a server may take to answer.
const patience = 2 * time.Second

// Metrics are the values of series, by their names with labels: `name{label="value"}`.
type Metrics map[string]float64

// Get reads the metrics at a URL.
func Get(url string) (Metrics, error) {
	client := http.Client{Timeout: patience}
	resp, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return read(resp.Body)
}

// read takes the text format of Prometheus apart, as far as servers of ours write it: no time
// stamps.
func read(r io.Reader) (Metrics, error) {
	m := Metrics{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text := lines.Text()
		if text == "" || text[0] == '#' {
			continue
		}
		// Values of labels may have blanks in them.
		i := strings.LastIndexByte(text, ' ')
		v, err := strconv.ParseFloat(text[i+1:], 64)
		if i < 0 || err != nil {
			return nil, fmt.Errorf("no metric: %q", text)
		}
		m[text[:i]] = v
	}
	return m, lines.Err()
}
