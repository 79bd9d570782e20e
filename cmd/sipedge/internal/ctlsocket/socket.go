// Package ctlsocket is the unix socket by which operators' commands come.
// Its one law: its owner alone may open it, from the moment it has its name.
package ctlsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"sipedge/schema"
)

// Name is what the socket is called in the state folder.
const Name = "ctl.sock"

// maxPath is how long the path of a socket may be on every system, and spare is what Listen needs
// beside it, in bytes.
const (
	maxPath = 103
	spare   = 16
)

// Path is where a policy has the socket: beside it, or in the state folder when it says nothing.
// Empty: there is none.
func Path(a *schema.Admin, state string) string {
	switch {
	case a.Socket.S == "none", a.Socket.S == "" && state == "":
		return ""
	case a.Socket.S == "":
		return filepath.Join(state, Name)
	case filepath.IsAbs(a.Socket.S):
		return a.Socket.S
	}
	return filepath.Join(filepath.Dir(a.Socket.Pos.File), a.Socket.S)
}

// Another says how a server gets another socket than Path.
func Another(a *schema.Admin) string {
	how := "`admin: {socket: …}` names another"
	if a.Socket.S == "" {
		how = "it is in the folder of --state; " + how
	}
	return how
}

// ErrInUse is of a socket that a server has.
var ErrInUse = errors.New("another server answers on it")

// Listen binds a socket that its owner alone may use. The one of a server that is gone is
// replaced; that of a server that answers is an error.
func Listen(path string) (net.Listener, error) {
	folder := filepath.Dir(path)
	if len(folder)+spare > maxPath || len(path) > maxPath {
		return nil, fmt.Errorf("longer than a socket's path may be, %d bytes", maxPath-spare)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	var l net.Listener
	err := exclusively(folder, func() (err error) {
		if err = free(path); err == nil {
			l, err = bind(folder, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// answerTime is how long the owner of a socket may take to accept a connection.
const answerTime = time.Second

// free says whether a path can be bound: nothing is there, or the socket of nobody.
func free(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return errors.New("something else is there")
	}
	conn, err := net.DialTimeout("unix", path, answerTime)
	if err == nil {
		conn.Close()
	}
	if nobody(err) {
		return nil
	}
	return ErrInUse
}

// bind makes the socket where nobody else can reach it, and moves it to its path when it is its
// owner's alone.
func bind(folder, path string) (*listener, error) {
	aside, err := os.MkdirTemp(folder, ".c")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(aside)
	at := filepath.Join(aside, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(at, 0o600)
	if err == nil {
		err = os.Rename(at, path)
	}
	var own os.FileInfo
	if err == nil {
		own, err = os.Lstat(path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return &listener{l, path, own}, nil
}

// listener removes its socket when it is closed, unless another is there.
type listener struct {
	*net.UnixListener
	path string
	own  os.FileInfo
}

func (l *listener) Close() error {
	err := l.UnixListener.Close()
	if now, gone := os.Lstat(l.path); gone == nil && os.SameFile(now, l.own) {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}
