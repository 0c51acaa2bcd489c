package storetest

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// FsyncLog is the floor for durable appends: a file to which groups of notifications are appended, each group flushed once. It can
// do nothing else with them. It groups like the engines: what arrives during a flush shares the next one.
type FsyncLog struct {
	file    *os.File
	entries chan logEntry
	stopped chan struct{}
}

type logEntry struct {
	bytes  []byte
	result chan error
}

// OpenFsyncLog creates or empties the file.
func OpenFsyncLog(path string) (*FsyncLog, error) {
	file, err := os.Create(path) // #nosec G304 -- the benchmark's own choice of path
	if err != nil {
		return nil, err
	}
	l := &FsyncLog{file: file, entries: make(chan logEntry, 4096), stopped: make(chan struct{})}
	go l.run()
	return l, nil
}

// Append returns once n is durable.
func (l *FsyncLog) Append(_ context.Context, n store.Notification) (string, error) {
	e := logEntry{bytes: encode(n), result: make(chan error, 1)}
	l.entries <- e
	return n.ID, <-e.result
}

// Close ends the log; no Append may be under way or follow.
func (l *FsyncLog) Close() error {
	close(l.entries)
	<-l.stopped
	return l.file.Close()
}

func (l *FsyncLog) run() {
	defer close(l.stopped)
	var bytes []byte
	var group []logEntry
	for first := range l.entries {
		group = l.gather(append(group[:0], first))
		bytes = bytes[:0]
		for _, e := range group {
			bytes = append(bytes, e.bytes...)
		}
		_, err := l.file.Write(bytes)
		err = errors.Join(err, flush(l.file))
		for _, e := range group {
			e.result <- err
		}
	}
}

func (l *FsyncLog) gather(group []logEntry) []logEntry {
	runtime.Gosched() // as the engines do: lets those just answered come back
	for {
		select {
		case e, ok := <-l.entries:
			if !ok {
				return group
			}
			group = append(group, e)
		default:
			return group
		}
	}
}

func encode(n store.Notification) []byte {
	bytes := make([]byte, 0, 256)
	for _, field := range []string{n.ID, n.GatewayID, n.MerchantID, n.TokenID, n.UpdateType, n.CorrelationID, n.Lane} {
		bytes = append(append(bytes, field...), 0)
	}
	return append(strconv.AppendInt(bytes, n.ReceivedAt.UnixMilli(), 10), '\n')
}
