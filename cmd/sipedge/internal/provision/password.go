package provision

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"sipedge/cmd/sipedge/internal/exit"
)

// maxPassword bounds what is read.
const maxPassword = 1024

// password asks for one twice on a terminal, or reads the first line of standard input.
func (c *command) password(who address) (string, error) {
	f, ok := c.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(c.Stdin, maxPassword)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", exit.With(exit.Unreachable, err)
		}
		return sound(strings.TrimRight(line, "\r\n"))
	}
	first, err := c.ask(f, fmt.Sprintf("Password of %s: ", who))
	if err != nil {
		return "", err
	}
	second, err := c.ask(f, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", exit.With(exit.Problems, errors.New("the two are not the same"))
	}
	return sound(first)
}

func (c *command) ask(f *os.File, prompt string) (string, error) {
	fmt.Fprint(c.Stderr, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(c.Stderr)
	if err != nil {
		return "", exit.With(exit.Unreachable, err)
	}
	return string(b), nil
}

func sound(password string) (string, error) {
	if password == "" {
		return "", exit.With(exit.Problems, errors.New("the password is empty"))
	}
	return password, nil
}
