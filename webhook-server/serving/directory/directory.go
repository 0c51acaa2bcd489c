// Package directory reads serving documents from a directory, as `controllers render` writes them: one file NAME.json an object.
package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// Interval is how often the directory is looked at. It is short enough for a suspension to be in force within a second. Looking is one stat a file, and works on every file system, network mounts included.
const Interval = 500 * time.Millisecond

// Source watches one directory.
type Source struct {
	path   string
	state  *serving.State
	logger *slog.Logger
	seen   map[string]fingerprint // by object

	failing map[string]string // by object: why it could not be read at the last look
}

// fingerprint tells a changed file from an unchanged one without reading it.
type fingerprint struct {
	size     int64
	modified time.Time
	info     fs.FileInfo
}

func (f fingerprint) same(other fingerprint) bool {
	return f.size == other.size && f.modified.Equal(other.modified) && os.SameFile(f.info, other.info)
}

// New reads the directory once, so that a wrong path is an error at start.
func New(path string, state *serving.State, logger *slog.Logger) (*Source, error) {
	s := &Source{path: path, state: state, logger: logger, seen: map[string]fingerprint{}, failing: map[string]string{}}
	if err := s.Read(); err != nil {
		return nil, err
	}
	state.MarkSynced()
	return s, nil
}

// Run looks at the directory until ctx ends. While it cannot be read, what was read serves on.
func (s *Source) Run(ctx context.Context) {
	tick := time.NewTicker(Interval)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.Read()
		if err != nil && !failing {
			s.logger.Error("state directory cannot be read, what was read serves on", "path", s.path, "error", err)
		}
		failing = err != nil
	}
}

// Read looks at the directory once and applies what changed.
func (s *Source) Read() error {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return fmt.Errorf("reading state directory: %w", err)
	}
	var updates []serving.Update
	present := make(map[string]bool, len(entries))
	for _, entry := range entries {
		object, ok := strings.CutSuffix(entry.Name(), ".json")
		if !ok || entry.IsDir() || strings.HasPrefix(object, ".") {
			continue
		}
		present[object] = true
		if u, changed := s.readFile(object, filepath.Join(s.path, entry.Name())); changed {
			updates = append(updates, u)
		}
	}
	for object := range s.seen {
		if !present[object] {
			delete(s.seen, object)
			delete(s.failing, object)
			updates = append(updates, serving.Update{Object: object})
		}
	}
	s.state.Apply(updates)
	return nil
}

// readFile reads a file that is new or changed. One that cannot be read is a problem until it can; it is tried again at each look.
func (s *Source) readFile(object, path string) (serving.Update, bool) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, symlink := os.Readlink(path); symlink != nil {
			return serving.Update{}, false // removed since the directory was read: the next look sees it
		}
	}
	if err != nil {
		return s.unreadable(object, err)
	}
	now := fingerprint{info.Size(), info.ModTime(), info}
	if before, ok := s.seen[object]; ok && before.info != nil && before.same(now) {
		return serving.Update{}, false
	}
	if !info.Mode().IsRegular() || info.Size() > api.MaxDocumentBytes {
		return s.unreadable(object, fmt.Errorf("it is not a file of at most %d bytes", api.MaxDocumentBytes))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return s.unreadable(object, err)
	}
	delete(s.failing, object)
	s.seen[object] = now
	return serving.Update{Object: object, Data: data}, true
}

// unreadable reports a file once, not at each look.
func (s *Source) unreadable(object string, err error) (serving.Update, bool) {
	s.seen[object] = fingerprint{}
	if s.failing[object] == err.Error() {
		return serving.Update{}, false
	}
	s.failing[object] = err.Error()
	return serving.Update{Object: object, Err: err}, true
}
