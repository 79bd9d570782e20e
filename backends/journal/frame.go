package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A frame is the length of a record, its checksum, both of four bytes, and the record.
const (
	head      = 8
	maxRecord = 64 << 20
)

// Both files begin with what they are.
const magic = "sipedge journal 1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendFrame(dst, record []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(record, castagnoli))
	return append(dst, record...)
}

// errTorn: what follows is no frame.
var errTorn = errors.New("torn")

// readFrames calls f with each record. errTorn: the file ends within a frame, or what stands there
// was changed. A record lives until f returns.
func readFrames(from io.Reader, f func(record []byte) error) error {
	r := bufio.NewReaderSize(from, 1<<20)
	first := make([]byte, len(magic))
	if _, err := io.ReadFull(r, first); err != nil || string(first) != magic {
		return torn(err)
	}
	var record []byte
	for {
		var h [head]byte
		if _, err := io.ReadFull(r, h[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return torn(err)
		}
		n := binary.LittleEndian.Uint32(h[:])
		if n > maxRecord {
			return errTorn
		}
		if cap(record) < int(n) {
			record = make([]byte, n)
		}
		record = record[:n]
		if _, err := io.ReadFull(r, record); err != nil {
			return torn(err)
		}
		if crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
			return errTorn
		}
		if err := f(record); err != nil {
			return err
		}
	}
}

// torn tells the end of a file from a disk that can't be read.
func torn(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return fmt.Errorf("read: %w", err)
}
