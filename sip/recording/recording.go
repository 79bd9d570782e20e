package recording

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sipedge/sip"
)

// MaxMessage is the longest message that is read, in bytes. A longer one is a Fault.
const MaxMessage = 1 << 20

// Message is one message of a recording.
type Message struct {
	At        Place          // where it begins
	Time      time.Time      // when it was recorded; zero: the recording does not tell
	Transport sip.Transport  // NoTransport: the recording does not tell
	From, To  netip.AddrPort // zero: the recording does not tell
	Course    Course
	Bytes     []byte // the receiver's to keep
}

// Course is which way a message went for the program that wrote the recording.
type Course uint8

const (
	Unknown  Course = iota // who records took no part
	Sent                   // by the program
	Received               // by the program
)

// Place is where in a recording something stands, counted from 1.
type Place struct {
	Unit string // packet, line
	N    int
}

func (p Place) String() string { return fmt.Sprintf("%s %d", p.Unit, p.N) }

// Fault is a part of a recording that gives no message, though it looks like
// one or stands among them. Reading goes on behind it.
type Fault struct {
	At  Place
	Err error
}

func (f *Fault) Error() string { return fmt.Sprintf("%s: %v", f.At, f.Err) }

func (f *Fault) Unwrap() error { return f.Err }

// What a Fault may be about.
var (
	ErrNoMessage = errors.New("no SIP message in it")
	ErrCut       = errors.New("cut short")
)

// Recording is a file of messages. It is read once.
type Recording struct {
	Path   string
	Format string // pcap, pcapng, sipp, messages

	in     *bufio.Reader
	file   io.Closer
	format func(*Recording, *output) error
	unit   string // of places
	other  int
}

// Files lists the recordings that paths name, in order: a file is one, of a
// folder every file in it and below whose name does not begin with a dot. What is
// named must be there, and no pipe: recordings may be read twice.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case info.Mode().IsRegular():
			files = append(files, path)
			continue
		case !info.IsDir():
			return nil, fmt.Errorf("%s is neither a file nor a folder", path)
		}
		root := path + string(filepath.Separator) // which a link to a folder is not
		err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			hidden := p != root && strings.HasPrefix(d.Name(), ".")
			switch {
			case err != nil:
				return err
			case d.IsDir() && hidden:
				return filepath.SkipDir
			case d.IsDir() || hidden:
				return nil
			}
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				return err
			}
			files = append(files, p)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Open opens a recording, whose format is found by its content. It may be
// compressed by gzip.
func Open(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := newRecording(path, f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	r.file = f
	return r, nil
}

// Close closes the file.
func (r *Recording) Close() error { return r.file.Close() }

// Other is how many packets, and connections, were no SIP, of those read so far.
func (r *Recording) Other() int { return r.other }

// Messages gives the messages in the order they were recorded: those of a
// connection when they are whole. An error that is a *Fault is about a part;
// behind any other, which comes last, the recording could not be read.
func (r *Recording) Messages() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		out := &output{yield: yield}
		switch err := r.format(r, out); {
		case out.done:
		case err != nil:
			yield(nil, fmt.Errorf("read %s: %w", r.Path, err))
		case out.given == 0:
			out.fault(Place{r.unit, 1}, ErrNoMessage)
		}
	}
}

// peek is how much of a recording is looked at to find its format, in bytes.
const peek = 16 << 10

func newRecording(path string, in io.Reader) (*Recording, error) {
	r := &Recording{Path: path, in: bufio.NewReaderSize(in, peek), unit: "line"}
	if head, _ := r.in.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r.in)
		if err != nil {
			return nil, err
		}
		r.in = bufio.NewReaderSize(z, peek)
	}
	head, err := r.in.Peek(peek)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	switch {
	case isPcap(head):
		r.Format, r.format, r.unit = "pcap", readPcap, "packet"
	case isPcapng(head):
		r.Format, r.format, r.unit = "pcapng", readPcapng, "packet"
	case isSIPp(head):
		r.Format, r.format = "sipp", readSIPp
	default:
		r.Format, r.format = "messages", readMessages
	}
	return r, nil
}

// output is where a reader puts what it finds. done: nobody wants more.
type output struct {
	yield func(*Message, error) bool
	done  bool
	given int // messages and faults
}

func (o *output) message(m *Message) {
	if !o.done {
		o.given++
		o.done = !o.yield(m, nil)
	}
}

func (o *output) fault(at Place, err error) {
	if !o.done {
		o.given++
		o.done = !o.yield(nil, &Fault{at, err})
	}
}
