package running

import (
	"bytes"
	"sync"
	"time"
)

// patience is how long what should happen is waited for.
const patience = 10 * time.Second

// Log is a log that the server writes while a test reads.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends one line.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Eventually returns when ok does, and ends the test with what, when that takes more than ten seconds.
func (w *World) Eventually(what string, ok func() bool) {
	w.tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			w.tb.Fatalf("%s; log:\n%s", what, w.Log)
		case <-tick.C:
		}
	}
}
