package postgres

import (
	"sync"
	"time"
)

// calm is how long no commit may have failed before an outage counts as over. Of several who commit, some may succeed while others fail.
const calm = 10 * time.Second

// outage tells the first failure from those that follow, so that the log has two lines for an outage, whatever fails meanwhile.
type outage struct {
	mu   sync.Mutex
	on   bool
	last time.Time // when a commit failed last
}

// failed reports whether an outage begins.
func (o *outage) failed(now time.Time) (begins bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	begins, o.on, o.last = !o.on, true, now
	return begins
}

// worked reports whether the outage is over.
func (o *outage) worked(now time.Time) (ends bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.on || now.Sub(o.last) < calm {
		return false
	}
	o.on = false
	return true
}
