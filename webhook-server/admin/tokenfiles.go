package admin

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// minTokenChars keeps a token from being guessed.
	minTokenChars = 32
	// maxTokenFileBytes and maxTokensInFile bound a file.
	maxTokenFileBytes = 64 << 10
	maxTokensInFile   = 32
	// recheck bounds how often the files are read: once a second, however many requests there are.
	recheck = time.Second
)

// tokenFiles are tokens that may do everything, one a line. What a file says now counts: a token that is taken out of it ends within a second, and so do
// all of a file that cannot be read.
type tokenFiles struct {
	paths  []string
	logger *slog.Logger
	now    func() time.Time

	mu     sync.Mutex
	read   time.Time
	tokens []fileToken
	broken map[string]bool // files whose fault is in the log
}

type fileToken struct {
	digest digest
	name   string
}

// newTokenFiles reads the files once: at a start each must be good.
func newTokenFiles(paths []string, logger *slog.Logger, now func() time.Time) (*tokenFiles, error) {
	f := &tokenFiles{paths: paths, logger: logger, now: now, read: now(), broken: map[string]bool{}}
	for _, path := range paths {
		tokens, err := readTokens(path)
		if err != nil {
			return nil, err
		}
		f.tokens = append(f.tokens, tokens...)
	}
	return f, nil
}

// find answers the name of the file that holds the token. It takes as long for a token that begins right as for any other: digests are compared,
// each in constant time, and all of them.
func (f *tokenFiles) find(d digest) (name string, ok bool) {
	if len(f.paths) == 0 {
		return "", false
	}
	for _, t := range f.current() {
		if subtle.ConstantTimeCompare(t.digest[:], d[:]) == 1 {
			name, ok = t.name, true
		}
	}
	return name, ok
}

func (f *tokenFiles) current() []fileToken {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.read) < recheck && !now.Before(f.read) {
		return f.tokens
	}
	f.read = now
	var all []fileToken
	for _, path := range f.paths {
		tokens, err := readTokens(path)
		if err != nil && !f.broken[path] {
			f.logger.Error("file with administration tokens cannot be used, its tokens are refused", "error", err)
		}
		f.broken[path] = err != nil
		all = append(all, tokens...)
	}
	f.tokens = all
	return all
}

// readTokens reads a file. No error repeats a part of it.
func readTokens(path string) ([]fileToken, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxTokenFileBytes {
		return nil, fmt.Errorf("%s holds more than %d bytes", path, maxTokenFileBytes)
	}
	var tokens []fileToken
	for line := range strings.Lines(string(text)) {
		token := strings.TrimSpace(line)
		if token == "" {
			continue
		}
		if len(token) < minTokenChars {
			return nil, fmt.Errorf("%s has a line of fewer than %d characters: a token must be longer", path, minTokenChars)
		}
		tokens = append(tokens, fileToken{digestOf(token), "file:" + filepath.Base(path)})
	}
	switch {
	case len(tokens) == 0:
		return nil, errors.New(path + " holds no token")
	case len(tokens) > maxTokensInFile:
		return nil, fmt.Errorf("%s holds more than %d tokens", path, maxTokensInFile)
	}
	return tokens, nil
}
