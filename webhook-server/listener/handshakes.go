package listener

import (
	"log"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tellInterval is how often, at most, the log tells of a failed handshake at a level that is shown. The count has them all.
const tellInterval = time.Second

// handshakes is told by net/http what peers do wrong, and finds the TLS handshakes that failed: neither side learns otherwise why a
// client whose certificate is refused cannot connect.
type handshakes struct {
	logger *slog.Logger
	failed atomic.Uint64

	mu   sync.Mutex
	told time.Time
}

func (h *handshakes) errorLog() *log.Logger { return log.New(h, "", 0) }

// Write takes one line of net/http's.
func (h *handshakes) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	failure, isHandshake := strings.CutPrefix(text, "http: TLS handshake error from ")
	if !isHandshake {
		h.logger.Debug("net/http", "says", text)
		return len(line), nil
	}
	source, reason, _ := strings.Cut(failure, ": ")
	if isProbe(reason) {
		h.logger.Debug("connection closed before its TLS handshake", "source", source, "reason", reason)
		return len(line), nil
	}
	h.failed.Add(1)
	if h.mayTell(time.Now()) {
		h.logger.Info("TLS handshake failed", "source", source, "reason", reason)
	}
	return len(line), nil
}

// isProbe says whether the peer has only looked whether somebody listens, as load balancers do every few seconds.
func isProbe(reason string) bool {
	return reason == "EOF" || strings.HasSuffix(reason, "connection reset by peer")
}

func (h *handshakes) mayTell(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.told) < tellInterval {
		return false
	}
	h.told = now
	return true
}
