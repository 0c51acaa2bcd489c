package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateFile is the server's own certificate, read again when its file changes: a new one works without a restart.
type certificateFile struct {
	certPath, keyPath string
	logger            *slog.Logger

	mu       sync.Mutex
	current  *tls.Certificate
	modified [2]time.Time
	checked  time.Time
}

// recheck bounds how often the files are looked at: once a second, however many handshakes there are.
const recheck = time.Second

func newCertificateFile(certPath, keyPath string, logger *slog.Logger) (*certificateFile, error) {
	f := &certificateFile{certPath: certPath, keyPath: keyPath, logger: logger}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// get answers the certificate, the new one when the files changed. While they do not go together (one is written before the other) the former one serves on.
func (f *certificateFile) get() (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.checked) >= recheck {
		f.checked = time.Now()
		if modified, err := f.stat(); err == nil && modified != f.modified {
			if err := f.load(); err != nil {
				f.logger.Warn("changed server certificate cannot be used, the former one serves on", "error", err)
			}
		}
	}
	if f.current == nil {
		return nil, errors.New("no server certificate")
	}
	return f.current, nil
}

func (f *certificateFile) stat() (modified [2]time.Time, err error) {
	for i, path := range []string{f.certPath, f.keyPath} {
		info, err := os.Stat(path)
		if err != nil {
			return modified, fmt.Errorf("reading server certificate: %w", err)
		}
		modified[i] = info.ModTime()
	}
	return modified, nil
}

func (f *certificateFile) load() error {
	modified, err := f.stat()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.certPath, f.keyPath)
	if err != nil {
		return fmt.Errorf("reading server certificate: %w", err)
	}
	f.current, f.modified = &pair, modified
	return nil
}
