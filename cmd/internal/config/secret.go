package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Secret is a text that is not to be seen: printed, logged or written as JSON it is three dots.
type Secret string

func (Secret) String() string               { return "..." }
func (Secret) GoString() string             { return "..." }
func (Secret) MarshalText() ([]byte, error) { return []byte("..."), nil }

// longestSecret bounds a file of secrets, so that a wrong path, such as /dev/zero, is no harm.
const longestSecret = 64 << 10 // bytes

// readSecret reads a file that only the user who runs this process can read. flag is what named the file.
func readSecret(flag, path string) (Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	if readByOthers(info) {
		return "", fmt.Errorf("--%s %s can be read by other users of this machine (mode %#o): chmod 600 it", flag, path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, longestSecret+1))
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	if len(text) > longestSecret {
		return "", fmt.Errorf("--%s %s is longer than %d bytes", flag, path, longestSecret)
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return "", fmt.Errorf("--%s %s is empty", flag, path)
	}
	return Secret(text), nil
}

// readByOthers reports whether users other than the file's owner can do anything with it. A file of root's may be read by its
// group: that is how container platforms hand secrets to processes that are not root.
func readByOthers(info os.FileInfo) bool {
	others := info.Mode().Perm() & 0o077
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid == 0 && os.Getuid() != 0 {
		others &^= 0o040
	}
	return others != 0
}

// Login is who logs in to a server.
type Login struct {
	User         string
	Password     Secret
	PasswordFile string // holds it instead
}

// secret returns the password, from its file if there is one. A line's end after it does not belong to it.
func (l Login) secret(of string) (string, error) {
	if l.PasswordFile == "" {
		return string(l.Password), nil
	}
	text, err := readSecret(of+"-password-file", l.PasswordFile)
	return strings.TrimRight(string(text), "\r\n"), err
}

func (l Login) given() bool { return l.Password != "" || l.PasswordFile != "" }

// loginFlags declares the flags of one server: --kafka-user and its like.
func loginFlags(flags *settingFlags, l *Login, of, server string) {
	flags.StringVar(&l.User, of+"-user", "", "user for "+server)
	flags.StringVar((*string)(&l.Password), of+"-password", "", "its password; better given by the file or the variable, as other users see command lines")
	flags.StringVar(&l.PasswordFile, of+"-password-file", "", "file of its password, which only you can read")
}

func (l Login) check(of string) error {
	if l.Password != "" && l.PasswordFile != "" {
		return fmt.Errorf("--%s-password and --%s-password-file are two ways to say the same: give one", of, of)
	}
	return nil
}

// shortestToken makes guessing hopeless: 24 characters of hexadecimal digits are 96 bits.
const shortestToken = 24 // characters

// Token is what somebody shows to be let in.
type Token struct {
	Name   string // whose it is; empty: nobody's in particular
	Value  string
	Editor bool // may ask for changes, too
}

// Roles of a token.
const (
	Viewer = "viewer" // may look
	Editor = "editor" // may ask for changes, too
)

const longestTokenName = 100 // bytes

// Tokens reads the tokens of the HTTP server; none when there is no file. Each stands on a line of its own: NAME TOKEN ROLE. So one
// of them can be withdrawn, and one knows whose it was. Without a role it may look only; a name can be left out, too. Lines that
// begin with # are comments.
func (s *Server) Tokens() ([]Token, error) {
	if s.TokenFile == "" {
		return nil, nil
	}
	text, err := readSecret("token-file", s.TokenFile)
	if err != nil {
		return nil, err
	}
	var tokens []Token
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		token, err := parseToken(words)
		if err == nil {
			err = unlike(token, tokens)
		}
		if err != nil {
			return nil, fmt.Errorf("--token-file %s: line %d %w", s.TokenFile, number, err)
		}
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 {
		return nil, errors.New("--token-file " + s.TokenFile + " holds no token")
	}
	return tokens, nil
}

// parseToken reads the words of a line. Its errors follow the line's number, and repeat nothing that may be a token.
func parseToken(words []string) (t Token, err error) {
	switch last := words[len(words)-1]; {
	case len(words) == 1:
		t.Value = words[0]
	case len(words) == 2 && (last == Viewer || last == Editor):
		return t, errors.New("has a role and no name: want NAME TOKEN ROLE")
	case len(words) == 2:
		t.Name, t.Value = words[0], words[1]
	case len(words) == 3 && (last == Viewer || last == Editor):
		t.Name, t.Value, t.Editor = words[0], words[1], last == Editor
	case len(words) == 3:
		return t, errors.New("has a third word that is no role: want viewer or editor")
	default:
		return t, errors.New("has more than a name, a token and a role")
	}
	switch {
	case len(t.Value) < shortestToken:
		return t, fmt.Errorf("has a token of %d characters, want at least %d", len(t.Value), shortestToken)
	case len(t.Name) > longestTokenName, !utf8.ValidString(t.Name), strings.ContainsFunc(t.Name, unicode.IsControl):
		return t, fmt.Errorf("has a name that cannot be shown: want at most %d bytes without control characters", longestTokenName)
	}
	return t, nil
}

// unlike returns an error when a token has the name or the value of an earlier one: who asks would be in doubt.
func unlike(t Token, earlier []Token) error {
	for _, e := range earlier {
		switch {
		case e.Value == t.Value:
			return errors.New("has the token of an earlier line")
		case e.Name == t.Name && t.Name != "":
			return fmt.Errorf("has the name %q, as an earlier line has", t.Name)
		}
	}
	return nil
}
