package guest

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// archive is an initial file system in the format newc of cpio.
type archive struct {
	bytes.Buffer
	files int
}

const (
	folder     = 0o040755
	executable = 0o100755
)

func (a *archive) add(name string, mode int, data []byte) {
	a.files++
	fmt.Fprintf(a, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.files, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad()
	a.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}

func (a *archive) addFile(name, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	a.add(name, executable, data)
	return nil
}

// libraryFolders are where Debian has libraries.
var libraryFolders = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}

// addLibraries adds what a program needs to be started; nothing if it is static.
func (a *archive) addLibraries(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil || len(names) == 0 {
		return err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			loader, err := io.ReadAll(p.Open())
			if err != nil {
				return err
			}
			path := strings.Trim(string(loader), "\x00")
			if err := a.addFile(strings.TrimPrefix(path, "/"), path); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		for i, dir := range libraryFolders {
			err := a.addFile("lib/"+name, filepath.Join(dir, name))
			if err == nil {
				break
			}
			if !errors.Is(err, fs.ErrNotExist) || i == len(libraryFolders)-1 {
				return err
			}
		}
	}
	return nil
}

// end is the whole archive.
func (a *archive) end() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.Bytes()
}
