package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// health answers /healthz (the process lives) and /readyz (D1 may be sent here).
type health struct {
	state    *serving.State
	store    store.Store
	reported <-chan struct{} // closed when D1 may come as far as the operator is concerned; nil when nobody is told
	unheard  func() bool     // whether what is reported does not arrive
	stopping atomic.Bool
}

type check struct {
	name string
	err  error
}

// checks are what readiness depends on.
func (h *health) checks(ctx context.Context) []check {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	all := []check{{"store", h.store.Check(ctx)}, {"documents", nil}, {"running", nil}}
	if !h.state.Synced() {
		all[1].err = errors.New("serving documents have not been read yet")
	}
	if h.stopping.Load() {
		all[2].err = errors.New("stopping")
	}
	if h.reported != nil {
		all = append(all, check{"report", h.isReported()})
	}
	return all
}

func (h *health) isReported() error {
	select {
	case <-h.reported:
		return nil
	default:
		return errors.New("the operator has not been told yet that this replica serves")
	}
}

func (h *health) alive(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// ready answers 200 or 503. With ?verbose it lists each check, and the documents that are kept out. Those do not make the server
// unready: one tenant's fault must not take the others off.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	var text strings.Builder
	failed := false
	for _, c := range h.checks(r.Context()) {
		mark, detail := "+", "ok"
		if c.err != nil {
			failed, mark, detail = true, "-", c.err.Error()
		}
		_, _ = fmt.Fprintf(&text, "[%s] %s: %s\n", mark, c.name, detail)
	}
	if h.state.Stale() {
		_, _ = text.WriteString("[!] documents: the last good copy on disk is served, the API server has not answered since the start; what the copy has not is answered 503\n")
	}
	if h.reported != nil && h.isReported() == nil && h.unheard() {
		_, _ = text.WriteString("[!] report: the API server does not take what this replica reports, and the operator does not count on it\n")
	}
	for _, p := range h.state.Problems() {
		instead := "the last good one serves on"
		if !p.Replaced {
			instead = "nothing is served in its place, D1 is answered 503"
		}
		_, _ = fmt.Fprintf(&text, "[!] document %s is kept out, %s: %v\n", p.Object, instead, p.Err)
	}
	if failed {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if _, verbose := r.URL.Query()["verbose"]; failed || verbose {
		_, _ = w.Write([]byte(text.String()))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
