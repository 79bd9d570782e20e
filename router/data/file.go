package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sipedge/router/rates"
	"sipedge/schema"
)

// file is where the rows of a table come from.
type file struct {
	path   string
	header bool // the first line of a CSV file is no row

	mu     sync.Mutex
	loaded stamp // of what was read last, with success or not
	seen   stamp // of the last look
}

// stamp tells whether a file may have changed.
type stamp struct {
	at   time.Time
	size int64
}

// maxFile bounds what is read into memory, in bytes.
const maxFile = 2 << 30

var (
	errNetwork = errors.New("not an IP address or network")
	errLarge   = errors.New("larger than 2 GiB")
	errValue   = errors.New("a row of a map has a key and a value")
	errQuote   = errors.New("a quote is not closed")
	errNoCSV   = errors.New("addresses come from a CSV file, or stand in the policy")
)

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// read reads a CSV or YAML file, whose rows may name sets of gateways. The stamp is that of before.
func (f *file) read(kind Kind, sets []string) (*content, stamp, error) {
	path := f.path
	s, err := stampOf(path)
	if err != nil {
		return nil, s, err
	}
	if s.size > maxFile {
		return nil, s, errLarge
	}
	from, err := os.Open(path)
	if err != nil {
		return nil, s, err
	}
	defer from.Close()
	b := make([]byte, s.size)
	if _, err := io.ReadFull(from, b); err != nil {
		return nil, s, fmt.Errorf("it changed while it was read: %w", err)
	}
	var c *content
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case kind == Address && (ext == ".yaml" || ext == ".yml"):
		err = errNoCSV
	case ext == ".yaml", ext == ".yml":
		c, err = readYAML(path, b, kind, sets)
	case kind == Rates:
		c = &content{}
		c.rates, err = rates.ReadCSV(bytes.NewReader(b), bytes.Count(b, []byte("\n")), sets)
	case kind == Address:
		c, err = readAddresses(b)
	default:
		c, err = readCSV(b, kind, f.header)
	}
	return c, s, err
}

// readCSV reads rows of a key and a value, RFC 4180; further columns are for
// people. b becomes the text of the rows.
func readCSV(b []byte, kind Kind, header bool) (*content, error) {
	rest := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	c := newContent(kind, bytes.Count(rest, []byte("\n"))+1, b)
	var cols [2][]byte
	for number := 1; len(rest) > 0; number++ {
		line := rest
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			line = rest[:n]
		}
		n, lines := 0, 0
		if bytes.IndexByte(line, '"') < 0 {
			n = columns(line, &cols)
			rest = rest[min(len(line)+1, len(rest)):]
		} else if n, lines, rest = quoted(rest, &cols); n < 0 {
			return nil, fmt.Errorf("line %d: %w", number, errQuote)
		}
		if n == 1 && len(cols[0]) == 0 {
			continue // an empty line
		}
		if header {
			header = false
			continue
		}
		if n < 2 {
			if kind == Map {
				return nil, fmt.Errorf("line %d: %w", number, errValue)
			}
			cols[1] = nil
		}
		if err := c.add(kind, cols[0], cols[1]); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		number += lines
	}
	return c, nil
}

// columns cuts a line without quotes; n is how many of the two there are.
func columns(line []byte, cols *[2][]byte) (n int) {
	key, rest, more := bytes.Cut(line, []byte(","))
	cols[0] = bytes.TrimSpace(key)
	if !more {
		return 1
	}
	value, _, _ := bytes.Cut(rest, []byte(","))
	cols[1] = bytes.TrimSpace(value)
	return 2
}

// quoted cuts a row in which there are quotes; n is -1 if one is not closed,
// lines how many line ends stood between quotes.
func quoted(b []byte, cols *[2][]byte) (n, lines int, rest []byte) {
	for n = 0; ; {
		b = bytes.TrimLeft(b, " \t")
		var col []byte
		if len(b) > 0 && b[0] == '"' {
			b = b[1:]
			for {
				end := bytes.IndexByte(b, '"')
				if end < 0 {
					return -1, 0, nil
				}
				col = append(col, b[:end]...)
				lines += bytes.Count(b[:end], []byte("\n"))
				b = b[end+1:]
				if len(b) == 0 || b[0] != '"' {
					break
				}
				col, b = append(col, '"'), b[1:]
			}
		}
		end := bytes.IndexAny(b, ",\n")
		if end < 0 {
			end = len(b)
		}
		if n < len(cols) {
			cols[n] = append(col, bytes.TrimSpace(b[:end])...)
			n++
		}
		if end == len(b) {
			return n, lines, nil
		}
		end, b = int(b[end]), b[end+1:]
		if end == '\n' {
			return n, lines, b
		}
	}
}

// readYAML reads a list of keys, a map of keys and values, or a list of rates.
func readYAML(path string, b []byte, kind Kind, sets []string) (*content, error) {
	v, diags := schema.ReadData(path, b)
	if len(diags) > 0 {
		return nil, fmt.Errorf("line %d: %s", diags[0].Pos.Line, diags[0].Message)
	}
	if kind == Rates {
		r, diags := rates.ReadValues(&v, sets)
		if len(diags) > 0 {
			return nil, fmt.Errorf("line %d: %s", diags[0].Pos.Line, diags[0].Message)
		}
		return &content{rates: r}, nil
	}
	rows, diags := schema.Rows(&v)
	if len(diags) > 0 {
		return nil, fmt.Errorf("line %d: %s", diags[0].Pos.Line, diags[0].Message)
	}
	c := newContent(kind, len(rows), nil)
	for _, r := range rows {
		if kind == Map && v.Kind != schema.Map {
			return nil, fmt.Errorf("line %d: %w", r.Key.Pos.Line, errValue)
		}
		if err := c.add(kind, []byte(r.Key.S), []byte(r.Value.S)); err != nil {
			return nil, fmt.Errorf("line %d: %w", r.Key.Pos.Line, err)
		}
	}
	return c, nil
}
