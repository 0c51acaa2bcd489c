// Package lastgood keeps the last good copy of the serving documents on disk, for a start while the API server is away.
//
// The copy holds secrets in the clear, as the Secrets do that it was made from: its directory is the server's alone, and nothing of the
// content is ever logged. A file for each document is written beside the old one and takes its place, so that a reader finds one of the
// two whole. Files are not synced: one that a power cut has torn is known by its digest and passed over.
package lastgood

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// The resources that hold documents; a document's file is the one of its name in the folder of its resource.
const (
	ConfigMaps = "configmaps"
	Secrets    = "secrets"
)

// retryInterval is when what could not be written is tried again, if nothing else is to be written before.
const retryInterval = 30 * time.Second

// Document is one object with a document, as the cluster has it.
type Document struct {
	// Resource is ConfigMaps or Secrets.
	Resource        string
	Name            string
	ResourceVersion string
	// Data is the encoded document, secrets in the clear.
	Data []byte
}

type key struct{ resource, name string }

// path is where the document is in the copy's directory.
func (k key) path() string { return k.resource + "/" + k.name }

// Copy is one directory. It is one server's: two would take each other's documents away.
type Copy struct {
	root   *os.Root
	logger *slog.Logger
	wake   chan struct{} // buffered by one

	mu      sync.Mutex
	pending map[key]*Document // to be written, or removed when nil

	written map[key]string // the digest of each file; Run's alone
}

// Open makes the directory if it is not there. One that others may read or write is refused, with the fix; only what its group may do is
// taken away where that can be done, because a kubelet grants it anew at each mount of a volume that has an fsGroup.
func Open(path string, logger *slog.Logger) (*Copy, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	c := &Copy{root: root, logger: logger, wake: make(chan struct{}, 1), pending: map[key]*Document{}, written: map[key]string{}}
	if err := c.prepare(); err != nil {
		_ = root.Close()
		return nil, err
	}
	return c, nil
}

func (c *Copy) prepare() error {
	info, err := c.root.Stat(".")
	if err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o007 != 0 || mode&0o070 != 0 && c.root.Chmod(".", 0o700) != nil {
		return fmt.Errorf("%[1]s may be used by others (mode %#[2]o) and is to hold secrets: run chmod 700 %[1]s, or name a directory that is not there yet", c.root.Name(), mode)
	}
	for _, resource := range []string{ConfigMaps, Secrets} {
		if err := c.root.Mkdir(resource, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	entries, err := fs.ReadDir(c.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), unfinished) {
			if err := c.root.Remove(entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Close frees the directory, once Run has ended.
func (c *Copy) Close() error { return c.root.Close() }

// Put notes a document to be written, unless the copy has it already. It does not wait for the disk.
func (c *Copy) Put(d Document) { c.note(key{d.Resource, d.Name}, &d) }

// Delete notes a document to be removed.
func (c *Copy) Delete(resource, name string) { c.note(key{resource, name}, nil) }

func (c *Copy) note(k key, d *Document) {
	c.mu.Lock()
	c.pending[k] = d
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run writes what is noted until ctx ends, and what is left then.
func (c *Copy) Run(ctx context.Context) {
	_ = c.each(func(k key, _ Document, digest string) { c.written[k] = digest })
	for {
		var retry <-chan time.Time
		if c.flush() > 0 {
			retry = time.After(retryInterval)
		}
		select {
		case <-c.wake:
		case <-retry:
		case <-ctx.Done():
			c.flush()
			return
		}
	}
}

// flush answers how many could not be written; they stay noted.
func (c *Copy) flush() int {
	c.mu.Lock()
	noted := c.pending
	c.pending = map[key]*Document{}
	c.mu.Unlock()
	failed := 0
	var last error
	for k, d := range noted {
		if err := c.settle(k, d); err != nil {
			failed, last = failed+1, err
			c.keep(k, d)
		}
	}
	if failed > 0 {
		c.logger.Error("copy of serving documents cannot be written, it is tried again", "documents", failed, "error", last)
	}
	return failed
}

// keep notes again what failed, unless there is something newer.
func (c *Copy) keep(k key, d *Document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, newer := c.pending[k]; !newer {
		c.pending[k] = d
	}
}

func (c *Copy) settle(k key, d *Document) error {
	if d == nil {
		delete(c.written, k)
		if err := c.root.Remove(k.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	digest := digestOf(*d)
	if c.written[k] == digest {
		return nil
	}
	delete(c.written, k)
	if err := c.write(k, *d, digest); err != nil {
		return err
	}
	c.written[k] = digest
	return nil
}
